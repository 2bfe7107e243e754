#!/usr/bin/env node
import { inspect } from 'node:util';
import { destination } from 'pino';
import { ConfigError } from '../config.ts';
import { onStopSignals } from '../stop-signals.ts';
import { loadWorkerConfig } from './config.ts';
import { buildWorker } from './worker.ts';

async function main(): Promise<void> {
  const config = loadWorkerConfig(process.env);
  // Written as it comes and, while a write is under way, gathered for the next.
  const logDestination = destination({ fd: 1, sync: false });
  const worker = buildWorker(config, { logDestination });
  onStopSignals({
    stop() {
      worker.stop().then(() => {
        // `flushSync` would not wait for a write that is under way.
        logDestination.once('close', () => process.exit(0));
        return logDestination.end();
      }, fail);
    },
    stopNow() {
      logDestination.flushSync();
      process.exit(130);
    },
  });
  await worker.start();
}

function fail(error: unknown): never {
  const explanation = error instanceof ConfigError ? error.message : inspect(error);
  process.stderr.write(`reservation-worker cannot run: ${explanation}\n`);
  process.exit(1);
}

main().catch(fail);
