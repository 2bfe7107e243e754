import { buildApp } from '../../app/app.ts';
import { loadConfig } from '../../app/config.ts';
import { createPaint, showsColours } from '../../base/paint.ts';
import { withTerminalFormat } from '../../observability/log-format.ts';
import { createLogger } from '../../observability/logger.ts';
import { createPrettyLines } from '../../observability/pretty-lines.ts';
import { logStrayOutput } from '../../observability/stray-output.ts';
import { runProcess } from '../../process/run-process.ts';
import { describeStart } from './banner.ts';
import { readVersion } from '../common/version.ts';

/** The service as a process, until it is told to stop. */
export async function runService(): Promise<void> {
  await runProcess(
    { name: 'payment-sim', addressVariables: 'HOST, GRPC_PORT and HEALTH_PORT' },
    async (log) => {
      const config = loadConfig(withTerminalFormat(process.env, process.stdout.isTTY));
      const isPretty = config.logFormat === 'pretty';
      const paint = createPaint(showsColours(process.stdout));
      if (isPretty) {
        log.formatLines(createPrettyLines(paint));
      }
      logStrayOutput(createLogger(config.logLevel, log.destination));
      const app = await buildApp(config, { logDestination: log.destination });
      return {
        ...app,
        async start() {
          const ports = await app.start();
          if (isPretty) {
            log.write(describeStart(paint, config, ports, readVersion()));
          }
        },
      };
    },
  );
}
