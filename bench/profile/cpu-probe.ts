import { Session } from 'node:inspector/promises';

/** Loaded into a server with `--import`: records a CPU profile from `start` to `stop`, which is answered with it. */
const session = new Session();
session.connect();

/** Between two samples, in microseconds. */
const interval = 200;

process.on('message', (message) => {
  if (message === 'start') {
    void start().then(() => process.send?.('started'));
  } else if (message === 'stop') {
    void session.post('Profiler.stop').then(({ profile }) => process.send?.(profile));
  }
});
// The server shall end although there is a channel.
process.channel?.unref();

async function start(): Promise<void> {
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval });
  await session.post('Profiler.start');
}
