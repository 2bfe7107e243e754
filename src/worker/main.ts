#!/usr/bin/env node
import '../base/end-on-old-node.ts';
import { runProcess } from '../process/run-process.ts';
import { loadWorkerConfig } from './config.ts';
import { buildWorker } from './worker.ts';

await runProcess(
  {
    name: 'reservation-worker',
    summary:
      'Takes payment events from an SQS queue to the reservation API. Variables: README, Configuration.',
    addressVariables: 'HOST and WORKER_HEALTH_PORT',
  },
  (logDestination) => buildWorker(loadWorkerConfig(process.env), { logDestination }),
);
