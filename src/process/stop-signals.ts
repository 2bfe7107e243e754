/** How a process ends. */
interface StopHandlers {
  /** For the first signal: ends in order. */
  readonly stop: () => void;
  /** For a second signal: ends at once. Further ones change nothing. */
  readonly stopNow: () => void;
}

/**
 * Signals that come so soon after the first, in milliseconds, are the same Ctrl-C: the terminal sends
 * SIGINT to every process in the foreground, and `npm run` passes on the one that it got.
 */
export const sameSignalMs = 500;

/** Calls the handlers on SIGTERM and SIGINT, which from then on no longer end the process by themselves. */
export function onStopSignals({ stop, stopNow }: StopHandlers): void {
  let firstAtMs: number | undefined;
  let isEnding = false;
  function onSignal(): void {
    const nowMs = performance.now();
    if (firstAtMs === undefined) {
      firstAtMs = nowMs;
      stop();
    } else if (!isEnding && nowMs - firstAtMs > sameSignalMs) {
      isEnding = true;
      stopNow();
    }
  }
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
