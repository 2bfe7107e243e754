import { buildApp } from '../../app/app.ts';
import { loadConfig } from '../../app/config.ts';
import { withTerminalFormat } from '../../observability/log-format.ts';
import { runProcess } from '../../process/run-process.ts';
import { readVersion } from '../common/version.ts';
import { describeStart } from './banner.ts';
import { beginLog } from './begin-log.ts';

/** The service as a process, until it is told to stop. */
export async function runService(): Promise<void> {
  await runProcess(
    { name: 'payment-sim', addressVariables: 'HOST, GRPC_PORT and HEALTH_PORT' },
    async (log) => {
      const config = loadConfig(withTerminalFormat(process.env, process.stdout.isTTY));
      const paint = beginLog(log, config);
      const app = await buildApp(config, { logDestination: log.destination });
      return {
        ...app,
        async start() {
          const ports = await app.start();
          if (paint !== undefined) {
            log.write(describeStart(paint, config, ports, readVersion()));
          }
        },
      };
    },
  );
}
