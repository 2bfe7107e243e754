import { inspect, parseArgs } from 'node:util';
import pretty from 'pino-pretty';
import { ConfigError } from '../src/app/config.ts';
import { onStopSignals } from '../src/process/stop-signals.ts';
import { type DevComponent, type DevStack, startDevStack } from './dev-stack.ts';
import { RedisMissingError } from './redis-server.ts';

/** As many as the ports from 8031 on are free for by custom. */
const maxReplicas = 9;

async function main(): Promise<void> {
  const replicas = readReplicas();
  const writers = new Map<DevComponent, ReturnType<typeof prettyWriter>>();
  /** Lines from before the introduction, which comes first. */
  let early: (() => void)[] | undefined = [];
  function write(component: DevComponent, line: string): void {
    const writer = writers.get(component) ?? prettyWriter(component);
    writers.set(component, writer);
    const writeNow = (): void => void writer.write(line);
    if (early === undefined) {
      writeNow();
    } else {
      early.push(writeNow);
    }
  }

  const stack = await startDevStack(process.env, write, { replicas });
  onStopSignals({
    stop: () => void stack.stop().then(() => process.exit(0), fail),
    stopNow: () => process.exit(130),
  });
  process.stdout.write(introduction(stack));
  early.forEach((writeLine) => writeLine());
  early = undefined;
}

/** What `--replicas` says. */
function readReplicas(): number {
  let text = '1';
  try {
    text = parseArgs({ options: { replicas: { type: 'string', default: '1' } } }).values.replicas;
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)]);
  }
  const replicas = /^\d{1,3}$/.test(text) ? Number(text) : 0;
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

/** Writes log lines for reading: time, component, message, then the fields. */
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

function fail(error: unknown): never {
  const isReaders = error instanceof ConfigError || error instanceof RedisMissingError;
  const explanation = isReaders ? error.message : inspect(error);
  process.stderr.write(`npm run dev cannot run: ${explanation}\n`);
  process.exit(1);
}

main().catch(fail);
