import type { MachineClock, Timer } from '../../base/clock.ts';

/** Says when events may leave: a full call at once, fewer when they have lingered for others to join. */
export interface Linger {
  /** Call it when events have become ready. */
  arrived(): void;
  mayLeave(): boolean;
  left(count: number): void;
  /** From now on nothing lingers. */
  end(): void;
}

/**
 * @param options.lingerMs how long the first of some events waits for others.
 * @param options.ready how many are ready.
 * @param options.onOver called when events have lingered long enough.
 */
export function createLinger(options: {
  readonly machine: MachineClock;
  readonly lingerMs: number;
  readonly fullAt: number;
  readonly ready: () => number;
  readonly onOver: () => void;
}): Linger {
  const { machine, lingerMs, fullAt, ready, onOver } = options;
  /** How many of the ready ones, from the front, have lingered. */
  let lingered = 0;
  let timer: Timer | undefined;
  let isOver = false;

  return {
    arrived() {
      if (!isOver && timer === undefined && lingered < ready()) {
        timer = machine.setTimer(lingerMs, () => {
          timer = undefined;
          lingered = ready();
          onOver();
        });
      }
    },

    mayLeave() {
      const count = ready();
      return count > 0 && (isOver || lingered > 0 || count >= fullAt);
    },

    left(count) {
      lingered = Math.max(0, lingered - count);
    },

    end() {
      isOver = true;
      timer?.cancel();
    },
  };
}
