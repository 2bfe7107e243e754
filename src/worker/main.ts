#!/usr/bin/env node
import { createLogger } from '../observability/logger.ts';
import { logStrayOutput } from '../observability/stray-output.ts';
import { runProcess } from '../process/run-process.ts';
import { loadWorkerConfig } from './config.ts';
import { buildWorker } from './worker.ts';

await runProcess('reservation-worker', 'HOST and WORKER_HEALTH_PORT', (logDestination) => {
  const config = loadWorkerConfig(process.env);
  logStrayOutput(createLogger(config.logLevel, logDestination));
  return buildWorker(config, { logDestination });
});
