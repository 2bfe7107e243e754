/** A timer that has been set and may be taken back. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time in the service. Tests inject one that they move by hand.
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

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, fire) {
    const timeout = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};
