import { inspect } from 'node:util';
import pretty from 'pino-pretty';
import { ConfigError } from '../config.ts';
import { onStopSignals } from '../stop-signals.ts';
import { type DevComponent, type DevStack, startDevStack } from './dev-stack.ts';

const components: readonly DevComponent[] = ['service', 'worker', 'webhooks', 'reservations', 'aws'];

async function main(): Promise<void> {
  const writers = new Map(components.map((component) => [component, prettyWriter(component)]));
  /** Lines from before the introduction, which comes first. */
  let early: (() => void)[] | undefined = [];
  function write(component: DevComponent, line: string): void {
    const writeNow = (): void => void writers.get(component)?.write(line);
    if (early === undefined) {
      writeNow();
    } else {
      early.push(writeNow);
    }
  }

  const stack = await startDevStack(process.env, write);
  onStopSignals({
    stop: () => void stack.stop().then(() => process.exit(0), fail),
    stopNow: () => process.exit(130),
  });
  process.stdout.write(introduction(stack));
  early.forEach((writeLine) => writeLine());
  early = undefined;
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

  service       ${stack.apiUrl}, health and metrics ${stack.opsUrl}
  worker        health and metrics ${stack.workerOpsUrl}
  webhooks      ${stack.webhookUrl}
  reservations  ${stack.reservationApiUrl}
  aws           EventBridge ${stack.eventBridgeUrl}, SQS ${stack.sqsUrl}

Ctrl-C stops everything.

`;
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
  const explanation = error instanceof ConfigError ? error.message : inspect(error);
  process.stderr.write(`npm run dev cannot run: ${explanation}\n`);
  process.exit(1);
}

main().catch(fail);
