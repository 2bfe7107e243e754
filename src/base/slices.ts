import { nextLoop } from './next-loop.ts';

/** So many items at once: what is done for one takes 10 to 100 µs, so a slice takes milliseconds. */
const itemsPerSlice = 100;

/**
 * Calls `work` for every item, in slices between which the event loop has its turn: a loop over a million
 * payments would keep sockets, timers and probes waiting for its whole length. The first slice runs before
 * the function returns.
 *
 * @param work must not throw, or the rest is left undone.
 */
export async function eachInSlices<T>(
  items: Iterable<T>,
  work: (item: T) => void,
  perSlice = itemsPerSlice,
): Promise<void> {
  let done = 0;
  for (const item of items) {
    if (done === perSlice) {
      await nextLoop();
      done = 0;
    }
    work(item);
    done += 1;
  }
}
