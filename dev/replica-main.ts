import { enableCompileCache } from 'node:module';

// As in main.ts: the rest is imported after this.
enableCompileCache();
const [{ buildApp }, { loadConfig }, { runProcess }] = await Promise.all([
  import('../src/app/app.ts'),
  import('../src/app/config.ts'),
  import('../src/process/run-process.ts'),
]);

// One of several services that another process has started: as main.ts, but it says where it listens,
// whatever the log level, and ends with that process.
process.once('disconnect', () => process.exit(1));
await runProcess('payment-sim-api', 'HOST, GRPC_PORT and HEALTH_PORT', async (logDestination) => {
  const app = await buildApp(loadConfig(process.env), { logDestination });
  return {
    async start() {
      process.send?.(await app.start());
    },
    stop: () => app.stop(),
  };
});
