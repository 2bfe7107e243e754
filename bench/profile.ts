import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Profiler } from 'node:inspector';
import { freePort } from '../test/support/free-port.ts';
import { startNode } from './lib/child.ts';
import { countOption } from './lib/count-option.ts';
import { callOnce } from './lib/create-call.ts';
import { runH2load } from './lib/h2load.ts';
import { pin, pinMainThread } from './lib/pin.ts';
import { createPath, grpcHeaders, jsonHeaders, writeRequestBodies } from './lib/request-bodies.ts';
import { scratch } from './lib/service.ts';
import { type Samples, samplesOf } from './profile/parts.ts';

/* What a create costs by part: CPU of the main thread, shared out by a profile. See bench/README.md. */

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    top: { type: 'string', default: '25' },
    entry: { type: 'string', default: 'src/main.ts' },
    protocol: { type: 'string', default: 'grpc' },
  },
});
const isJson = options.protocol === 'json';
const bodies = writeRequestBodies();
const port = await freePort();

const server = startNode(options.entry, {
  env: {
    HOST: '127.0.0.1',
    PORT: String(port),
    GRPC_PORT: String(port),
    HEALTH_PORT: String(await freePort()),
    EVENTBRIDGE: 'off',
    SHUTDOWN_GRACE_MS: '0',
  },
  nodeArguments: ['--import', new URL('profile/cpu-probe.ts', import.meta.url).pathname],
  logPath: `${scratch}/profiled.log`,
});
while (
  !(await (isJson ? fetch(`http://127.0.0.1:${port}/`) : callOnce(port)).then(
    () => true,
    () => false,
  ))
) {
  await delay(20);
}

// A profile counts time: what else runs on the core would count with whatever was interrupted.
pin(process.pid, 0);
pinMainThread(server.pid, 1);

/** CPU in nanoseconds of each thread by its name; V8's and libuv's helpers have one each. */
function cpuByThread(): Samples {
  const threads = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${server.pid}/task`)) {
    const folder = `/proc/${server.pid}/task/${thread}`;
    const name =
      Number(thread) === server.pid ? 'main thread' : readFileSync(`${folder}/comm`, 'utf8').trim();
    const nanos = Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]);
    threads.set(name, (threads.get(name) ?? 0) + nanos);
  }
  return threads;
}

/** Of the main thread in system calls, in ticks. */
function ticks(): { readonly user: number; readonly system: number } {
  const stat = readFileSync(`/proc/${server.pid}/task/${server.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[11]), system: Number(fields[12]) };
}

async function load(warmUpSeconds: number, onMeasuring: () => void): Promise<number> {
  const { requests, failures } = await runH2load({
    url: `http://127.0.0.1:${port}${createPath}`,
    headers: isJson ? jsonHeaders : grpcHeaders,
    bodyFile: isJson ? bodies.json : bodies.grpc,
    connections: isJson ? 50 : 5,
    streamsPerConnection: isJson ? 1 : 10,
    http1: isJson,
    warmUpSeconds,
    seconds: countOption('--seconds', options.seconds),
    onMeasuring,
  });
  if (failures > 0) {
    throw new Error(`${failures} creates failed`);
  }
  return requests;
}

// Without the profiler, for how much; with it, for what. Payments of before settle meanwhile, as many as are made.
let threadsBefore: Samples = new Map();
let ticksBefore = ticks();
const calls = await load(4, () => {
  threadsBefore = cpuByThread();
  ticksBefore = ticks();
});
const threadsAfter = cpuByThread();
const ticksAfter = ticks();

let started: Promise<unknown> = Promise.resolve();
const profiledCalls = await load(3, () => {
  started = server.ask('start');
});
await started;
const profile = (await server.ask('stop')) as Profiler.Profile;
await server.stop();

const microsOf = (thread: string) =>
  ((threadsAfter.get(thread) ?? 0) - (threadsBefore.get(thread) ?? 0)) / calls / 1000;
const { byPart, byFunction } = samplesOf(profile);
const allSamples = [...byPart.values()].reduce((sum, samples) => sum + samples, 0);
const mainMicros = microsOf('main thread');
const system = ticksAfter.system - ticksBefore.system;
const systemShare = system / (system + ticksAfter.user - ticksBefore.user);

function print(heading: string, samples: Samples, most: number): void {
  const rows = [...samples].toSorted(([, a], [, b]) => b - a).slice(0, most);
  console.log(`\n| ${heading} | µs a call | share |\n|---|---|---|`);
  for (const [name, count] of rows) {
    const share = count / allSamples;
    console.log(`| ${name} | ${(share * mainMicros).toFixed(2)} | ${(share * 100).toFixed(1)} % |`);
  }
}

console.log(
  `${calls.toLocaleString('en')} creates unprofiled, ${profiledCalls.toLocaleString('en')} profiled (${allSamples.toLocaleString('en')} samples), 50 in flight, ${options.protocol}, Node ${process.versions.node}`,
);
console.log(
  `main thread ${mainMicros.toFixed(1)} µs a call, of which ${(systemShare * mainMicros).toFixed(1)} in the kernel`,
);
for (const thread of threadsAfter.keys()) {
  if (thread !== 'main thread' && microsOf(thread) >= 0.05) {
    console.log(`${thread} ${microsOf(thread).toFixed(1)} µs`);
  }
}
print('part, main thread', byPart, Infinity);
print('function, self time', byFunction, countOption('--top', options.top));
