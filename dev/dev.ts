import { inspect, parseArgs } from 'node:util';
import pretty from 'pino-pretty';
import { ConfigError } from '../src/base/env/config-error.ts';
import { errorMessage } from '../src/base/error-text.ts';
import { readWholeNumber } from '../src/base/whole-number.ts';
import { onStopSignals } from '../src/process/stop-signals.ts';
import { type DevComponent, type DevStack, startDevStack } from './dev-stack.ts';
import { RedisMissingError } from './redis-server.ts';

/** By default their health ports are 8031 to 8039; 8041 is the worker's. */
const maxReplicas = 9;

async function main(): Promise<void> {
  const replicas = readReplicas();
  const output = createOutput();
  const stack = await startDevStack(process.env, output.write, { replicas });
  onStopSignals({
    stop: () => void stack.stop().then(() => process.exit(0), exitWithError),
    stopNow: () => process.exit(130),
  });
  process.stdout.write(introduction(stack));
  output.release();
}

/** Holds log lines back until `release`, so that the introduction comes first. */
function createOutput() {
  const writers = new Map<DevComponent, ReturnType<typeof prettyWriter>>();
  let held: (() => void)[] | undefined = [];
  return {
    write: (component: DevComponent, line: string): void => {
      const writer = writers.get(component) ?? prettyWriter(component);
      writers.set(component, writer);
      const writeNow = (): void => void writer.write(line);
      if (held === undefined) {
        writeNow();
      } else {
        held.push(writeNow);
      }
    },
    release: (): void => {
      held?.forEach((writeLine) => writeLine());
      held = undefined;
    },
  };
}

/** The value of `--replicas`. @throws ConfigError when it is wrong, or for another argument. */
function readReplicas(): number {
  let text = '1';
  try {
    text = parseArgs({ options: { replicas: { type: 'string', default: '1' } } }).values.replicas;
  } catch (error) {
    throw new ConfigError([errorMessage(error)]);
  }
  const replicas = readWholeNumber(text) ?? 0;
  if (replicas < 1 || replicas > maxReplicas) {
    throw new ConfigError([`--replicas must be a whole number from 1 to ${maxReplicas}, not "${text}"`]);
  }
  return replicas;
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

/** A stream that formats log lines: time, component, message, then the fields. */
function prettyWriter(component: DevComponent) {
  return pretty({
    destination: 1,
    sync: true,
    singleLine: true,
    timestampKey: 'ts',
    translateTime: 'SYS:HH:MM:ss.l',
    messageFormat: (line, messageKey) => `${component.padEnd(12)} ${String(line[messageKey])}`,
  });
}

function exitWithError(error: unknown): never {
  // Without a stack for what the user can put right.
  const isUsersError = error instanceof ConfigError || error instanceof RedisMissingError;
  const explanation = isUsersError ? error.message : inspect(error);
  process.stderr.write(`npm run dev cannot run: ${explanation}\n`);
  process.exit(1);
}

main().catch(exitWithError);
