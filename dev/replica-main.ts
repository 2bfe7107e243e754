import { enableCompileCache } from 'node:module';

// As in src/main.ts: enabled before the imports that shall be cached, so those are dynamic.
enableCompileCache();
const [{ buildApp }, { loadConfig }, { runProcess }] = await Promise.all([
  import('../src/app/app.ts'),
  import('../src/app/config.ts'),
  import('../src/process/run-process.ts'),
]);

// One of several services that a parent process has started: as src/main.ts, but it sends its ports to the
// parent by IPC, whatever the log level, and ends with it: the channel disconnects when the parent ends.
process.once('disconnect', () => process.exit(1));
await runProcess(
  {
    name: 'payment-sim',
    addressVariables: 'HOST, GRPC_PORT and HEALTH_PORT',
  },
  async ({ destination: logDestination }) => {
    const app = await buildApp(loadConfig(process.env), { logDestination });
    return {
      async start() {
        process.send?.(await app.start());
      },
      stop: () => app.stop(),
    };
  },
);
