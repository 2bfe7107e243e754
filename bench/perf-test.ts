import { once } from 'node:events';
import { connect } from 'node:http2';
import { type CommandLine, UsageError } from '../src/base/command-line.ts';
import { describeError } from '../src/base/error-text.ts';
import { readWholeNumber } from '../src/base/whole-number.ts';
import { printLines, runCommand } from '../src/cli/run-command.ts';
import { createFrame, grpcCall } from './lib/create-call.ts';
import { summarize } from './lib/latency-summary.ts';

// Calls CreatePaymentIntent of a running service over gRPC and sums up, as ghz does:
//   npm run perf-test -- [address] [--connections 50] [--seconds 30]
// Every connection has one call in flight. The address must be this machine unless --remote is given.

/** What the calls came to. */
interface Tally {
  readonly latenciesMs: number[];
  /** How often each `grpc-status` came; or, for calls without one, what broke them. */
  readonly statuses: Map<string, number>;
}

async function main(line: CommandLine): Promise<boolean> {
  const address = readAddress(line);
  const connections = readNumber(line, 'connections', 50, 10_000);
  const seconds = readNumber(line, 'seconds', 30, 86_400);
  await checkThatItAnswers(address);
  const tally: Tally = { latenciesMs: [], statuses: new Map() };
  const startedAtMs = performance.now();
  const untilMs = startedAtMs + seconds * 1000;
  await Promise.all(Array.from({ length: connections }, () => callUntil(untilMs, address, tally)));
  printLines(summarize(tally.latenciesMs, tally.statuses, performance.now() - startedAtMs));
  return tally.statuses.size === 1 && tally.statuses.has('0');
}

function readAddress({ words, values }: CommandLine): string {
  const [address = 'localhost:8030', ...others] = words;
  const url = URL.parse(`http://${address}`);
  if (url === null || others.length > 0) {
    throw new UsageError(`"${words.join(' ')}" must be an address such as localhost:8030`);
  }
  if (values('remote').length === 0 && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    throw new UsageError(`${url.hostname} is not this machine: say --remote if you may put load on it`);
  }
  return address;
}

function readNumber({ values }: CommandLine, option: string, usual: number, max: number): number {
  const text = values(option).at(-1) ?? String(usual);
  const number = readWholeNumber(text) ?? 0;
  if (number < 1 || number > max) {
    throw new UsageError(`--${option} must be a whole number from 1 to ${max}, not "${text}"`);
  }
  return number;
}

/** @throws Error when nobody listens there, whose refusals would count as calls otherwise. */
async function checkThatItAnswers(address: string): Promise<void> {
  const session = connect(`http://${address}`);
  try {
    await once(session, 'connect');
  } catch (error) {
    throw new Error(`nothing answers at ${address} (${describeError(error)}); is the service running?`, {
      cause: error,
    });
  } finally {
    session.destroy();
  }
}

async function callUntil(untilMs: number, address: string, { latenciesMs, statuses }: Tally): Promise<void> {
  const frame = createFrame();
  const session = connect(`http://${address}`);
  let brokenBy: Error | undefined;
  session.on('error', (error: Error) => (brokenBy = error));
  for (let nowMs = performance.now(); nowMs < untilMs;) {
    const status = await grpcCall(session, frame).catch((error: unknown) => nameOf(brokenBy ?? error));
    const doneAtMs = performance.now();
    latenciesMs.push(doneAtMs - nowMs);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    nowMs = doneAtMs;
    if (session.destroyed || session.closed) {
      break;
    }
  }
  session.close();
}

function nameOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'broken off';
}

await runCommand(
  {
    name: 'npm run perf-test',
    summary: 'Calls CreatePaymentIntent of a running service over gRPC and sums up.',
    words: '[address]',
    options: {
      connections: { value: 'NUMBER', text: 'each with one call in flight; 50' },
      seconds: { value: 'NUMBER', text: 'how long; 30' },
      remote: { text: 'the address may be another machine' },
    },
  },
  main,
);
