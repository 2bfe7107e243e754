/** A timer that has been set and may be taken back. */
export interface Timer {
  cancel(): void;
}

/**
 * The simulation's time, which a tester may move or let stand still: settlements, the times of payments and
 * the back-off of webhooks go by it. Nothing that must end in any case may wait for it.
 */
export interface SimClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Calls `fire` once after `delayMs` (0 to 2^31-1; Node's timers overflow beyond). The timer keeps
   * the process alive until it fires or is cancelled.
   */
  setTimer(delayMs: number, fire: () => void): Timer;
  /** The clock of a tester's session, itself for one that has none of its own; none has without. See `clockOf`. */
  of?(sessionId: string | undefined): SimClock;
  /**
   * Of a clock that is moved: keeps it where it is until what is returned is called, since what fell due is still at
   * work.
   */
  hold?(): () => void;
}

/**
 * The clock that a session goes by.
 *
 * @param sessionId undefined: the global session.
 */
export function clockOf(clock: SimClock, sessionId: string | undefined): SimClock {
  return clock.of?.(sessionId) ?? clock;
}

/**
 * The machine's time, which nobody moves: the grace of a shutdown, sockets, polling, batching. It may stand
 * in for a `SimClock`, and by default does; the other way round the types refuse.
 */
export interface MachineClock extends SimClock {
  /** Milliseconds since some moment, never set back: for durations and deadlines. */
  monotonic(): number;
}

/** The machine's clock. */
export const systemClock: MachineClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, fire) {
    const timeout = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};
