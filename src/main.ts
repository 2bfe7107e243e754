#!/usr/bin/env node
import { inspect } from 'node:util';
import { destination } from 'pino';
import { buildApp } from './app.ts';
import { ConfigError, loadConfig } from './config.ts';
import { onStopSignals } from './stop-signals.ts';

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  // Written as it comes and, while a write is under way, gathered for the next: a line costs no
  // system call of its own under load.
  const logDestination = destination({ fd: 1, sync: false });
  const app = await buildApp(config, { logDestination });
  onStopSignals({
    stop() {
      app.stop().then(() => {
        // `flushSync` would not wait for a write that is under way, and lines would change places.
        logDestination.once('close', () => process.exit(0));
        return logDestination.end();
      }, fail);
    },
    stopNow() {
      logDestination.flushSync();
      process.exit(130);
    },
  });
  await app.start();
}

function fail(error: unknown): never {
  process.stderr.write(`payment-sim-api cannot run: ${explain(error)}\n`);
  process.exit(1);
}

/** Without a stack where it is the reader's to put right: wrong variables, a taken port, an unknown host. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) {
    return error.message;
  }
  if (error instanceof Error && 'syscall' in error) {
    return `${error.message} (see HOST, GRPC_PORT and HEALTH_PORT)`;
  }
  return inspect(error);
}

main().catch(fail);
