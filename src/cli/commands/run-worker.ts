import { createPaint, showsColours } from '../../base/paint.ts';
import { withTerminalFormat } from '../../observability/log-format.ts';
import { createLogger } from '../../observability/logger.ts';
import { createPrettyLines } from '../../observability/pretty-lines.ts';
import { logStrayOutput } from '../../observability/stray-output.ts';
import { runProcess } from '../../process/run-process.ts';
import { loadWorkerConfig } from '../../worker/config.ts';
import { buildWorker } from '../../worker/worker.ts';

/** The reservation worker as a process, until it is told to stop. */
export async function runWorker(): Promise<void> {
  await runProcess({ name: 'payment-sim worker', addressVariables: 'HOST and WORKER_HEALTH_PORT' }, (log) => {
    const config = loadWorkerConfig(withTerminalFormat(process.env, process.stdout.isTTY));
    if (config.logFormat === 'pretty') {
      log.formatLines(createPrettyLines(createPaint(showsColours(process.stdout))));
    }
    logStrayOutput(createLogger(config.logLevel, log.destination));
    return buildWorker(config, { logDestination: log.destination });
  });
}
