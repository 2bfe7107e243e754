/** Runs work, no more than so much of it at a time. */
export type TakeTurns = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Bounds how much is done at a time; what comes meanwhile waits, and has its turn in the order in which it came.
 *
 * @param atOnce 1 or more.
 */
export function createTurns(atOnce: number): TakeTurns {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= atOnce) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) {
        running -= 1;
      } else {
        next();
      }
    }
  };
}
