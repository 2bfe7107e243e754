#!/usr/bin/env node
import { inspect } from 'node:util';
import { destination } from 'pino';
import { buildApp } from './app.ts';
import { ConfigError, loadConfig } from './config.ts';

/**
 * Log lines are written when this many bytes are gathered or this much time has passed, whichever
 * comes first: a system call for every line was a tenth of the CPU time of a busy service.
 */
const logBufferBytes = 8_192;
const logFlushMs = 100;

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const logDestination = destination({
    fd: 1,
    sync: false,
    minLength: logBufferBytes,
    periodicFlush: logFlushMs,
  });
  const app = await buildApp(config, { logDestination });

  let signals = 0;
  function onSignal(): void {
    signals += 1;
    if (signals > 1) {
      logDestination.flushSync();
      process.exit(130);
    }
    app.stop().then(
      () => {
        logDestination.flushSync();
        process.exit(0);
      },
      (error: unknown) => fail(error),
    );
  }
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  await app.start();
}

function fail(error: unknown): never {
  const explanation = error instanceof ConfigError ? error.message : inspect(error);
  process.stderr.write(`payment-sim-api cannot run: ${explanation}\n`);
  process.exit(1);
}

main().catch(fail);
