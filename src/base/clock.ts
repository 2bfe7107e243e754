/** A timer that has been set. */
export interface Timer {
  /** Keeps it from firing; nothing happens when it has fired or was cancelled before. */
  cancel(): void;
}

/**
 * The time of day and timers, which are passed in wherever they are needed so that tests can control
 * them. Durations that only end in a metric or a log line are measured by `performance.now()`, which no
 * clock adjustment moves.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Calls `fire` once after `delayMs` (0 to 2^31-1; Node's timers overflow beyond). The timer keeps
   * the process alive until it fires or is cancelled.
   */
  setTimer(delayMs: number, fire: () => void): Timer;
}

/** The system's clock (CLOCK_REALTIME) and Node's timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, fire) {
    const timeout = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};
