// The service under `npm run soak`: a child process that tells its memory, and what is left at the end.
import { buildApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';

const app = await buildApp(loadConfig(process.env), { logDestination: { write: () => undefined } });
process.send?.(await app.start());

async function stop(): Promise<void> {
  await app.stop();
  // From here on nothing but a forgotten timer or socket keeps the process alive.
  process.send?.({ left: process.getActiveResourcesInfo() }, () => process.disconnect());
}

process.on('message', (message) => {
  if (message === 'stop') {
    void stop();
    return;
  }
  globalThis.gc?.();
  process.send?.(process.memoryUsage());
});
