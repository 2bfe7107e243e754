import type { MachineClock } from './clock.ts';

/**
 * Whether `work` ends within `ms` (milliseconds; 0 to 2^31-1). What is late goes on: nobody waits for it any
 * more. Rejects as `work` does, unless it is late.
 */
export async function within(clock: MachineClock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = clock.setTimer(ms, () => late.resolve(false));
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    timer.cancel();
  }
}
