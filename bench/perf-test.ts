import { once } from 'node:events';
import { connect } from 'node:http2';
import { describeError } from '../src/base/error-text.ts';
import { createProgress } from '../src/base/progress.ts';
import { UsageError } from '../src/cli/common/cli-error.ts';
import { printLines } from '../src/cli/common/output.ts';
import { action, createProgramNamed, runProgram, wholeNumber } from '../src/cli/common/run-program.ts';
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

interface Options {
  readonly connections: number;
  readonly seconds: number;
  readonly remote?: true;
}

async function main(address: string, { connections, seconds, remote }: Options): Promise<boolean> {
  checkAddress(address, remote === true);
  await checkThatItAnswers(address);
  const tally: Tally = { latenciesMs: [], statuses: new Map() };
  const startedAtMs = performance.now();
  const untilMs = startedAtMs + seconds * 1000;
  const progress = createProgress(process.stderr);
  const told = setInterval(() => {
    const passed = Math.round((performance.now() - startedAtMs) / 1000);
    progress.tell(`${passed} of ${seconds} s, ${tally.latenciesMs.length} calls`);
  }, 250);
  await Promise.all(Array.from({ length: connections }, () => callUntil(untilMs, address, tally)));
  clearInterval(told);
  progress.end();
  printLines(summarize(tally.latenciesMs, tally.statuses, performance.now() - startedAtMs));
  return tally.statuses.size === 1 && tally.statuses.has('0');
}

function checkAddress(address: string, isRemoteAllowed: boolean): void {
  const url = URL.parse(`http://${address}`);
  if (url === null) {
    throw new UsageError(`"${address}" must be an address such as localhost:8030`);
  }
  if (!isRemoteAllowed && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    throw new UsageError(`${url.hostname} is not this machine: say --remote if you may put load on it`);
  }
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

await runProgram(
  createProgramNamed('perf-test', 'Calls CreatePaymentIntent of a running service over gRPC and sums up.')
    .argument('[address]', 'where the service is', 'localhost:8030')
    .option('--connections <number>', 'each with one call in flight', wholeNumber(1, 10_000), 50)
    .option('--seconds <number>', 'how long', wholeNumber(1, 86_400), 30)
    .option('--remote', 'the address may be another machine')
    .action(action(main)),
  process.argv.slice(2),
);
