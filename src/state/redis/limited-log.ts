import type { MachineClock } from '../../base/clock.ts';

/** At most one line in this time, in milliseconds: thousands of commands may fail in a second. */
const intervalMs = 10_000;

/**
 * Has a line written for what may happen thousands of times in a second: at most once in ten seconds.
 *
 * @param write is given the last of what came since the line before, and how many came.
 * @returns takes one; `count` when it stands for several.
 */
export function createLimitedLog<T>(
  clock: MachineClock,
  write: (last: T, count: number) => void,
): (item: T, count?: number) => void {
  let writtenAtMs = -Infinity;
  let unwritten = 0;
  return (item, count = 1) => {
    unwritten += count;
    const nowMs = clock.monotonic();
    if (nowMs - writtenAtMs >= intervalMs) {
      writtenAtMs = nowMs;
      const all = unwritten;
      unwritten = 0;
      write(item, all);
    }
  };
}
