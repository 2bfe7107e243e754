import { createRoom } from './room.ts';

/** Runs work, no more than so much of it at a time. */
export type TakeTurns = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Bounds how much is done at a time; what comes meanwhile waits, and has its turn in the order in which it came.
 *
 * @param atOnce 1 or more.
 */
export function createTurns(atOnce: number): TakeTurns {
  const room = createRoom(atOnce);
  return async (work) => {
    await room.enter();
    try {
      return await work();
    } finally {
      room.leave();
    }
  };
}
