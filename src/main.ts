#!/usr/bin/env node
import { inspect } from 'node:util';
import { destination } from 'pino';
import { buildApp } from './app.ts';
import { ConfigError, loadConfig } from './config.ts';

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  // Written as it comes and, while a write is under way, gathered for the next: a line costs no
  // system call of its own under load. `flushSync` below writes what is left at the end.
  const logDestination = destination({ fd: 1, sync: false });
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
