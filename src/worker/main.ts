#!/usr/bin/env node
import { runProcess } from '../run-process.ts';
import { loadWorkerConfig } from './config.ts';
import { buildWorker } from './worker.ts';

await runProcess('reservation-worker', (logDestination) =>
  buildWorker(loadWorkerConfig(process.env), { logDestination }),
);
