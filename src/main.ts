#!/usr/bin/env node
import { buildApp } from './app.ts';
import { loadConfig } from './config.ts';
import { runProcess } from './run-process.ts';

await runProcess('payment-sim-api', (logDestination) =>
  buildApp(loadConfig(process.env), { logDestination }),
);
