import type { MachineClock } from '../../src/base/clock.ts';
import { createManualClock, type ManualClock } from '../../src/simulator/manual-clock.ts';

/** A clock that stands still until it is moved, for the simulation and the machine alike. */
export type FakeClock = ManualClock & MachineClock;

export function createFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  const clock = createManualClock(startMs);
  return { ...clock, monotonic: () => clock.now() };
}

/** Lets everything run that is ready to run. */
export async function settlePromises(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
