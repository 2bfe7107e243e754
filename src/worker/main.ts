#!/usr/bin/env node
import '../base/end-on-old-node.ts';
import { createLogger } from '../observability/logger.ts';
import { logStrayOutput } from '../observability/stray-output.ts';
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
  (logDestination) => {
    const config = loadWorkerConfig(process.env);
    logStrayOutput(createLogger(config.logLevel, logDestination));
    return buildWorker(config, { logDestination });
  },
);
