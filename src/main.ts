#!/usr/bin/env node
import { buildApp } from './app.ts';
import { loadConfig } from './config.ts';
import { runProcess } from './run-process.ts';

await runProcess('payment-sim-api', 'HOST, GRPC_PORT and HEALTH_PORT', (logDestination) =>
  buildApp(loadConfig(process.env), { logDestination }),
);
