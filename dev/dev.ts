import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import pretty from 'pino-pretty';
import { type Command, type CommandLine, readCommandLine, UsageError } from '../src/base/command-line.ts';
import { ConfigError } from '../src/base/env/config-error.ts';
import { readWholeNumber } from '../src/base/whole-number.ts';
import { openLogFile } from '../src/process/log-file.ts';
import { createLogOutput, type LogOutput } from '../src/process/log-output.ts';
import { tellWhatIsWaitedFor } from '../src/process/stop-notice.ts';
import { onStopSignals } from '../src/process/stop-signals.ts';
import { type DevComponent, type DevStack, startDevStack } from './dev-stack.ts';
import { RedisMissingError } from './redis-server.ts';

/** By default their health ports are 8031 to 8039; 8041 is the worker's. */
const maxReplicas = 9;
/** Longest wait for the last lines to be written, in milliseconds. */
const logEndMs = 500;

async function main(): Promise<void> {
  const line = readCommandLine(command, process.argv.slice(2));
  if (line.answer !== undefined) {
    process.stdout.write(`${line.answer}\n`);
    return;
  }
  const replicas = readReplicas(line);
  const log = createLogOutput(openLogFile(1));
  const output = createOutput(log);
  const stack = await startDevStack(process.env, output.write, { replicas });
  onStopSignals({
    stop() {
      tellWhatIsWaitedFor(
        'npm run dev',
        () => ({}),
        (text) => log.write(`${text}\n`, 1, true),
      );
      void stack.stop().then(() => exitAfterLog(log, 0), exitWithError);
    },
    stopNow() {
      log.write('npm run dev: ended at once by a second signal\n', 1, true);
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
  const writers = new Map<DevComponent, ReturnType<typeof prettyWriter>>();
  let held: (() => void)[] | undefined = [];
  return {
    write: (component: DevComponent, line: string): void => {
      const writer = writers.get(component) ?? prettyWriter(component, log);
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

const command: Command = {
  name: 'npm run dev',
  summary: 'Runs the service with everything around it, stand-ins for AWS included.',
  options: {
    replicas: {
      value: 'NUMBER',
      text: `that many services behind one port, with a Redis; 1 to ${maxReplicas}`,
    },
  },
};

/** The value of `--replicas`. @throws UsageError when it is wrong. */
function readReplicas({ values }: CommandLine): number {
  const text = values('replicas').at(-1) ?? '1';
  const replicas = readWholeNumber(text) ?? 0;
  if (replicas < 1 || replicas > maxReplicas) {
    throw new UsageError(`--replicas must be a whole number from 1 to ${maxReplicas}, not "${text}"`);
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
function prettyWriter(component: DevComponent, log: LogOutput) {
  return pretty({
    destination: new Writable({
      write(text, _encoding, done) {
        log.write(String(text), 1, false);
        done();
      },
    }),
    colorize: process.stdout.isTTY,
    singleLine: true,
    timestampKey: 'ts',
    translateTime: 'SYS:HH:MM:ss.l',
    messageFormat: (line, messageKey) => `${component.padEnd(12)} ${String(line[messageKey])}`,
  });
}

function exitWithError(error: unknown): never {
  // Without a stack for what the user can put right.
  const isUsersError =
    error instanceof ConfigError || error instanceof UsageError || error instanceof RedisMissingError;
  const explanation = isUsersError ? error.message : inspect(error);
  process.stderr.write(`npm run dev cannot run: ${explanation}\n`);
  process.exit(1);
}

main().catch(exitWithError);
