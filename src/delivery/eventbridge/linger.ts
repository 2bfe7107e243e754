import type { Clock, Timer } from '../../base/clock.ts';

/** Says when events may leave: a full call at once, fewer when they have waited for company. */
export interface CompanyWait {
  /** Call it when events have become ready. */
  arrived(): void;
  mayLeave(): boolean;
  left(count: number): void;
  /** From now on nobody waits. */
  endForGood(): void;
}

/**
 * @param options.waitMs how long the first of some events waits for others.
 * @param options.ready how many are ready.
 * @param options.onOver called when events have waited long enough.
 */
export function createCompanyWait(options: {
  readonly clock: Clock;
  readonly waitMs: number;
  readonly fullAt: number;
  readonly ready: () => number;
  readonly onOver: () => void;
}): CompanyWait {
  const { clock, waitMs, fullAt, ready, onOver } = options;
  /** How many of the ready ones, from the front, have waited. */
  let waited = 0;
  let timer: Timer | undefined;
  let over = false;

  return {
    arrived() {
      if (!over && timer === undefined && waited < ready()) {
        timer = clock.setTimer(waitMs, () => {
          timer = undefined;
          waited = ready();
          onOver();
        });
      }
    },

    mayLeave() {
      const count = ready();
      return count > 0 && (over || waited > 0 || count >= fullAt);
    },

    left(count) {
      waited = Math.max(0, waited - count);
    },

    endForGood() {
      over = true;
      timer?.cancel();
    },
  };
}
