import type { MachineClock } from './clock.ts';

/** Ends after `ms`, when `signal` is aborted, or when what `early` is given is called. */
export function pause(
  machine: MachineClock,
  ms: number,
  signal: AbortSignal,
  early?: (end: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = machine.setTimer(ms, end);
    signal.addEventListener('abort', end, { once: true });
    early?.(end);
    if (signal.aborted) {
      end();
    }
  });
}
