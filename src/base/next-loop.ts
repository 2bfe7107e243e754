import { setImmediate } from 'node:timers/promises';

/** Resolves when the event loop has had its turn: sockets, timers, probes. */
export async function nextLoop(): Promise<void> {
  await setImmediate();
}
