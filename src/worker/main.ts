#!/usr/bin/env node
import { inspect } from 'node:util';
import { destination } from 'pino';
import { ConfigError } from '../config.ts';
import { loadWorkerConfig } from './config.ts';
import { buildWorker } from './worker.ts';

async function main(): Promise<void> {
  const config = loadWorkerConfig(process.env);
  // Written as it comes and, while a write is under way, gathered for the next; `flushSync` below
  // writes what is left at the end.
  const logDestination = destination({ fd: 1, sync: false });
  const worker = buildWorker(config, { logDestination });

  function exit(code: number): never {
    logDestination.flushSync();
    process.exit(code);
  }
  let signals = 0;
  function onSignal(): void {
    signals += 1;
    if (signals > 1) {
      exit(130);
    }
    worker.stop().then(() => exit(0), fail);
  }
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  await worker.start();
}

function fail(error: unknown): never {
  const explanation = error instanceof ConfigError ? error.message : inspect(error);
  process.stderr.write(`reservation-worker cannot run: ${explanation}\n`);
  process.exit(1);
}

main().catch(fail);
