import { setTimeout as delay } from 'node:timers/promises';

/**
 * Begins so many calls a second, whether those before have ended or not: who waits for answers sends less to
 * whatever is slow, and so measures less of it.
 *
 * @returns when the last one has ended. @throws the first error of a call.
 */
export async function callSteadily(
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
  call: (nth: number) => Promise<void>,
): Promise<void> {
  const startedAtMs = performance.now();
  const calls: Promise<void>[] = [];
  while (calls.length < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, ((performance.now() - startedAtMs) / 1_000) * perSecond);
    while (calls.length < due) {
      calls.push(call(calls.length));
    }
    await delay(5);
  }
  await Promise.all(calls);
}

/** The value that the share `quantile` (0 to 1) of the values does not exceed; NaN without any. */
export function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * quantile) - 1)] ?? NaN;
}
