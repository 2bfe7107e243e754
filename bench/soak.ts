// Mixed load for a long time: npm run soak -- [seconds, 600] [calls per second, 14,000]
// Memory must be flat after warm-up, every count must add up, and nothing may be left at the end.
// 14,000 is half of what `npm run bench` gets from gRPC creates. Five of seven calls are those, sent by
// h2load; the others are JSON of all three methods, with webhooks.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { grpcLoad, requireH2load } from './lib/grpc-load.ts';
import { median } from './lib/statistics.ts';
import { runLoad } from './soak-load.ts';
import { countOption } from './lib/count-option.ts';

const seconds = countOption('seconds', process.argv[2] ?? '600');
const callsPerSecond = countOption('calls per second', process.argv[3] ?? '14000');
const megabyte = 1_048_576;
const grpcConnections = 20;
const grpcPerSecond = Math.round((callsPerSecond * 5) / 7 / grpcConnections) * grpcConnections;
requireH2load();

const webhookIds = new Set<unknown>();
const receiver = createServer((request, response) => {
  webhookIds.add(request.headers['webhook-id']);
  request.resume();
  request.on('end', () => response.writeHead(204).end());
});
receiver.listen(0, '127.0.0.1');
await once(receiver, 'listening');

const service = fork(fileURLToPath(new URL('soak-service.ts', import.meta.url)), {
  execArgv: ['--expose-gc'],
  env: {
    HOST: '127.0.0.1',
    GRPC_PORT: '0',
    HEALTH_PORT: '0',
    EVENTBRIDGE: 'off',
    DEFAULT_DELAY_MS: '1000',
    // Short, so that payments leave within the warm-up and their number stays the same.
    PAYMENT_TTL_MS: String(Math.min(20_000, Math.max(1_000, (seconds * 1_000) / 10))),
  },
});
const [{ apiPort, opsPort }] = (await once(service, 'message')) as [{ apiPort: number; opsPort: number }];

const samples: { readonly atSeconds: number; readonly rss: number }[] = [];
/** Of heap in use after a collection, in MB: after a third, after two thirds and at the end. */
const heaps: number[] = [];
const startedAt = performance.now();

function measure(collect: boolean): void {
  service.send(collect ? 'collect' : 'memory');
  service.once('message', ({ rss, heapUsed }: NodeJS.MemoryUsage) => {
    const atSeconds = Math.round((performance.now() - startedAt) / 1000);
    const [rssMb, heapMb] = [rss / megabyte, heapUsed / megabyte];
    samples.push({ atSeconds, rss: rssMb });
    if (collect) {
      heaps.push(heapMb);
    }
    const kind = collect ? 'heap after a collection' : 'heap';
    console.log(`${atSeconds} s  RSS ${rssMb.toFixed(1)} MB  ${kind} ${heapMb.toFixed(1)} MB`);
  });
}

let taken = 0;
const sampler = setInterval(
  () => {
    taken += 1;
    measure(taken % 10 === 9);
  },
  (seconds * 1_000) / 30,
);

const [counts, grpc] = await Promise.all([
  runLoad({
    apiUrl: `http://127.0.0.1:${apiPort}`,
    webhookUrl: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks`,
    callsPerSecond: callsPerSecond - grpcPerSecond,
    seconds,
  }),
  grpcLoad({
    port: apiPort,
    connections: grpcConnections,
    streams: 10,
    calls: grpcPerSecond * seconds,
    rate: grpcPerSecond / grpcConnections,
  }),
]);
const loadSeconds = (performance.now() - startedAt) / 1000;
clearInterval(sampler);

async function metricSum(pattern: RegExp): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => pattern.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

const calls = counts.calls + grpc.done;
const created = counts.created + grpc.done;
// All have settled a second after the last was created; webhooks take a moment more.
for (
  let i = 0;
  i < 100 &&
  ((await metricSum(/^webhook_deliveries_total/)) < counts.withWebhook ||
    (await metricSum(/^payment_settlements_total/)) < created);
  i += 1
) {
  await new Promise((resolve) => {
    setTimeout(resolve, 100);
  });
}
const checks: [string, number, number][] = [
  ['failed calls', counts.failures.length + grpc.failed, 0],
  ['calls handled', await metricSum(/^grpc_server_handled_total/), calls],
  ['calls answered OK', await metricSum(/^grpc_server_handled_total.*"OK"/), calls],
  ['payments created', await metricSum(/^payment_intents_created_total/), created],
  ['payments settled', await metricSum(/^payment_settlements_total/), created],
  ['webhooks delivered', await metricSum(/^webhook_deliveries_total.*"delivered"/), counts.withWebhook],
  ['webhooks received, by id', webhookIds.size, counts.withWebhook],
];

service.send('stop');
const exited = once(service, 'exit');
const left = await new Promise<readonly string[]>((resolve) => {
  service.on('message', (message: { left?: string[] }) => {
    if (message.left !== undefined) {
      resolve(message.left); // a last sample of memory may come before
    }
  });
});
const killer = setTimeout(() => service.kill('SIGKILL'), 10_000);
const [exitCode] = (await exited) as [number | null];
clearTimeout(killer);
receiver.close();
checks.push(
  ['exit code without being told to exit', exitCode ?? -1, 0],
  ['timers and sockets left when stopped', left.length, 0],
);

/** Of a part of the samples; the middle one, since V8 collects when it likes. */
function middleRss(from: number, to: number): number {
  const part = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to));
  return median(part.map((sample) => sample.rss));
}
let failed = false;
for (const [name, got, expected] of checks) {
  failed ||= got !== expected;
  console.log(`${got === expected ? 'ok    ' : 'FAILED'} ${name}: ${got}, expected ${expected}`);
}
// The first third is the warm-up.
const flat: [string, number, number][] = [
  ['RSS, median', middleRss(1 / 3, 2 / 3), middleRss(2 / 3, 1)],
  ['heap after a collection', heaps[1] ?? Number.NaN, heaps[2] ?? Number.NaN],
];
for (const [name, middle, end] of flat) {
  const isFlat = end <= middle * 1.1 + 10;
  failed ||= !isFlat;
  console.log(`${isFlat ? 'ok    ' : 'FAILED'} ${name}: ${middle.toFixed(1)} MB, then ${end.toFixed(1)} MB`);
}
console.log(
  `${Math.round(calls / loadSeconds)} calls/s, of ${callsPerSecond} asked for; left: ${left.join(', ')}`,
);
counts.failures.slice(0, 5).forEach((failure) => console.log(failure));
process.exitCode = failed ? 1 : 0;
