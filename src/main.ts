#!/usr/bin/env node
import './base/end-on-old-node.ts';
// The default, because a name that an old Node does not have ends the process before anything is checked.
import nodeModule from 'node:module';

// Names of webhook receivers are resolved in half of libuv's threads. Of its usual four, two names with
// silent name servers would hold up all the others. It reads this when it first needs a thread.
process.env['UV_THREADPOOL_SIZE'] ??= '32';

// Half of the start is compiling; from the second start on it is read from Node's cache. Everything
// else is imported after this, because imports come first whatever stands above them.
nodeModule.enableCompileCache();
const [{ buildApp }, { loadConfig }, { createLogger }, { logStrayOutput }, { runProcess }] =
  await Promise.all([
    import('./app/app.ts'),
    import('./app/config.ts'),
    import('./observability/logger.ts'),
    import('./observability/stray-output.ts'),
    import('./process/run-process.ts'),
  ]);

await runProcess(
  {
    name: 'payment-sim-api',
    summary:
      'A payment gateway simulator: gRPC, gRPC-Web and Connect on GRPC_PORT. Variables: README, Configuration.',
    addressVariables: 'HOST, GRPC_PORT and HEALTH_PORT',
  },
  (logDestination) => {
    const config = loadConfig(process.env);
    logStrayOutput(createLogger(config.logLevel, logDestination));
    return buildApp(config, { logDestination });
  },
);
