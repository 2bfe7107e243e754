// The service under `npm run soak`: a child process that tells its memory, and what is left at the end.
import { setTimeout as delay } from 'node:timers/promises';
import { buildApp } from '../src/app/app.ts';
import { loadConfig } from '../src/app/config.ts';

const app = await buildApp(loadConfig(process.env), { logDestination: { write: () => undefined } });
process.send?.(await app.start());

async function stop(): Promise<void> {
  await app.stop();
  // Handles that are being closed are gone a moment later.
  for (let i = 0; i < 100 && left().length > 0; i += 1) {
    await delay(10);
  }
  // From here on nothing but a forgotten timer or socket keeps the process alive.
  process.send?.({ left: left() }, () => process.disconnect());
}

/** Timers and sockets of the service; its pipes are those to the parent. */
function left(): readonly string[] {
  return process.getActiveResourcesInfo().filter((kind) => /^(Timeout|Immediate|TCP)/.test(kind));
}

process.on('message', (message) => {
  if (message === 'stop') {
    void stop();
    return;
  }
  if (message === 'collect') {
    globalThis.gc?.();
  }
  process.send?.(process.memoryUsage());
});
