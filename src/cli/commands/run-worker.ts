import { withTerminalFormat } from '../../observability/log-format.ts';
import { runProcess } from '../../process/run-process.ts';
import { loadWorkerConfig } from '../../worker/config.ts';
import { buildWorker } from '../../worker/worker.ts';
import { beginLog } from './begin-log.ts';

/** The reservation worker as a process, until it is told to stop. */
export async function runWorker(): Promise<void> {
  await runProcess({ name: 'payment-sim worker', addressVariables: 'HOST and WORKER_HEALTH_PORT' }, (log) => {
    const config = loadWorkerConfig(withTerminalFormat(process.env, process.stdout.isTTY));
    beginLog(log, config);
    return buildWorker(config, { logDestination: log.destination });
  });
}
