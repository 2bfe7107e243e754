#!/usr/bin/env node
import { runProcess } from '../process/run-process.ts';
import { loadWorkerConfig } from './config.ts';
import { buildWorker } from './worker.ts';

await runProcess('reservation-worker', 'HOST and WORKER_HEALTH_PORT', (logDestination) =>
  buildWorker(loadWorkerConfig(process.env), { logDestination }),
);
