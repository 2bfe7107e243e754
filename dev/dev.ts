import { inspect } from 'node:util';
import { ConfigError } from '../src/base/env/config-error.ts';
import { createPaint, showsColours } from '../src/base/paint.ts';
import { createPrettyLines } from '../src/observability/pretty-lines.ts';
import { openLogFile } from '../src/process/log-file.ts';
import { createLogOutput, type LogOutput } from '../src/process/log-output.ts';
import { tellWhatIsWaitedFor } from '../src/process/stop-notice.ts';
import { onStopSignals } from '../src/process/stop-signals.ts';
import { type DevComponent, type DevStack, startDevStack } from './dev-stack.ts';
import { RedisMissingError } from './redis-server.ts';

/** Longest wait for the last lines to be written, in milliseconds. */
const logEndMs = 500;

/** The service with everything around it, until it is told to stop: `payment-sim dev`. */
export async function runDev(options: { readonly replicas: number }): Promise<void> {
  try {
    await run(options);
  } catch (error) {
    exitWithError(error);
  }
}

async function run({ replicas }: { readonly replicas: number }): Promise<void> {
  const log = createLogOutput(openLogFile(1));
  const output = createOutput(log);
  const stack = await startDevStack(process.env, output.write, { replicas });
  onStopSignals({
    stop() {
      tellWhatIsWaitedFor(
        'payment-sim dev',
        () => ({}),
        (text) => log.write(`${text}\n`, 1, true),
      );
      void stack.stop().then(() => exitAfterLog(log, 0), exitWithError);
    },
    stopNow() {
      log.write('payment-sim dev: ended at once by a second signal\n', 1, true);
      void exitAfterLog(log, 130);
    },
  });
  log.write(introduction(stack), 1, true);
  output.release();
}

async function exitAfterLog(log: LogOutput, code: number): Promise<void> {
  await log.end(logEndMs);
  process.exit(code);
}

/** Holds log lines back until `release`, so that the introduction comes first. */
function createOutput(log: LogOutput) {
  const format = createPrettyLines(createPaint(showsColours(process.stdout)));
  let held: string[] | undefined = [];
  return {
    write: (component: DevComponent, line: string): void => {
      const shown = format(line.trimEnd());
      if (shown === undefined) {
        return;
      }
      const text = `${component.padEnd(12)} ${shown}\n`;
      if (held === undefined) {
        log.write(text, 1, false);
      } else {
        held.push(text);
      }
    },
    release: (): void => {
      held?.forEach((text) => log.write(text, 1, false));
      held = undefined;
    },
  };
}

function introduction(stack: DevStack): string {
  const payment = JSON.stringify({
    reservation_id: 'reservation-1',
    user_id: 'user-1',
    amount: { amount: 120_000, currency: 'KRW' },
    webhook_url: stack.webhookUrl,
  });
  return `
Payment Sim and all that it works with are running. Pay for a reservation:

  curl ${stack.apiUrl}/payment.v1.PaymentService/CreatePaymentIntent -H 'Content-Type: application/json' -d '${payment}'

Two seconds later the outcome arrives below on both channels: as a signed webhook, and as an event that
takes reservation-1 from HOLD to CONFIRMED: curl ${stack.reservationApiUrl}/internal/reservations/reservation-1

  service       ${stack.apiUrl}, ${describeServices(stack)}
  worker        health and metrics ${stack.workerOpsUrl}
  webhooks      ${stack.webhookUrl}
  reservations  ${stack.reservationApiUrl}
  aws           EventBridge ${stack.eventBridgeUrl}, SQS ${stack.sqsUrl}

Ctrl-C stops everything.

`;
}

function describeServices({ opsUrls, redisUrl }: DevStack): string {
  const replicas = opsUrls.length === 1 ? '' : `${opsUrls.length} replicas, `;
  const redis = redisUrl === undefined ? '' : `\n  redis         ${redisUrl}`;
  return `${replicas}health and metrics ${opsUrls.join(' ')}${redis}`;
}

function exitWithError(error: unknown): never {
  // Without a stack for what the user can put right.
  const isUsersError = error instanceof ConfigError || error instanceof RedisMissingError;
  const explanation = isUsersError ? error.message : inspect(error);
  process.stderr.write(`payment-sim dev cannot run: ${explanation}\n`);
  process.exit(1);
}
