import { connect } from 'node:http2';
import { parseArgs } from 'node:util';
import { createFrame, grpcCall } from './lib/create-call.ts';
import { summarize } from './lib/latency-summary.ts';
import { countOption } from './lib/count-option.ts';

// Calls CreatePaymentIntent of a running service over gRPC and sums up, as ghz does:
//   npm run perf-test -- [address] [--connections 50] [--seconds 30]
// Every connection has one call in flight. The address must be this machine unless --remote is given.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '30' },
    remote: { type: 'boolean', default: false },
  },
});
const address = positionals[0] ?? 'localhost:8030';
const { hostname } = new URL(`http://${address}`);
if (!values.remote && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) {
  console.error(`${hostname} is not this machine: say --remote if you may put load on it`);
  process.exit(2);
}

const connections = countOption('--connections', values.connections);
const seconds = countOption('--seconds', values.seconds);
const frame = createFrame();
const latenciesMs: number[] = [];
const statuses = new Map<string, number>();
const startedAtMs = performance.now();
const untilMs = startedAtMs + seconds * 1000;

async function callUntilOver(): Promise<void> {
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

await Promise.all(Array.from({ length: connections }, callUntilOver));

console.log(summarize(latenciesMs, statuses, performance.now() - startedAtMs));
process.exitCode = statuses.size === 1 && statuses.has('0') ? 0 : 1;
