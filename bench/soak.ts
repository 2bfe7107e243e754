// Mixed load for a long time: npm run soak -- [seconds, 600] [calls per second, 500]
// Memory must be flat after warm-up, every count must add up, and nothing may be left at the end.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { runLoad } from './soak-load.ts';

const seconds = Number(process.argv[2] ?? 600);
const callsPerSecond = Number(process.argv[3] ?? 500);
const megabyte = 1_048_576;

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
    PAYMENT_TTL_MS: String(Math.max(1_000, (seconds * 1_000) / 10)),
  },
});
const [{ apiPort, opsPort }] = (await once(service, 'message')) as [{ apiPort: number; opsPort: number }];

const samples: { readonly atSeconds: number; readonly rss: number; readonly heap: number }[] = [];
const startedAt = performance.now();
const sampler = setInterval(
  () => {
    service.send('memory');
    service.once('message', ({ rss, heapUsed }: NodeJS.MemoryUsage) => {
      const atSeconds = Math.round((performance.now() - startedAt) / 1000);
      samples.push({ atSeconds, rss: rss / megabyte, heap: heapUsed / megabyte });
      console.log(
        `${atSeconds} s  RSS ${(rss / megabyte).toFixed(1)} MB  heap ${(heapUsed / megabyte).toFixed(1)} MB`,
      );
    });
  },
  (seconds * 1_000) / 30,
);

const counts = await runLoad({
  apiUrl: `http://127.0.0.1:${apiPort}`,
  webhookUrl: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks`,
  callsPerSecond,
  seconds,
});
clearInterval(sampler);

async function metricSum(pattern: RegExp): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => pattern.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

// All have settled a second after the last was created; webhooks take a moment more.
for (let i = 0; i < 100 && (await metricSum(/^webhook_deliveries_total/)) < counts.withWebhook; i += 1) {
  await new Promise((resolve) => {
    setTimeout(resolve, 100);
  });
}
const checks: [string, number, number][] = [
  ['failed calls', counts.failures.length, 0],
  ['calls handled', await metricSum(/^grpc_server_handled_total/), counts.calls],
  ['payments created', await metricSum(/^payment_intents_created_total/), counts.created],
  ['payments settled', await metricSum(/^payment_settlements_total/), counts.created],
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
checks.push(['exit code without being told to exit', exitCode ?? -1, 0]);

/** Of the last third and of the third before it, after the warm-up of the first. */
function highest(kind: 'rss' | 'heap', from: number, to: number): number {
  const third = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to));
  return Math.max(...third.map((sample) => sample[kind]));
}
let failed = false;
for (const [name, got, expected] of checks) {
  failed ||= got !== expected;
  console.log(`${got === expected ? 'ok    ' : 'FAILED'} ${name}: ${got}, expected ${expected}`);
}
for (const kind of ['rss', 'heap'] as const) {
  const [middle, end] = [highest(kind, 1 / 3, 2 / 3), highest(kind, 2 / 3, 1)];
  const flat = end <= middle * 1.1 + 10;
  failed ||= !flat;
  console.log(
    `${flat ? 'ok    ' : 'FAILED'} ${kind}: at most ${middle.toFixed(1)} MB, then ${end.toFixed(1)} MB`,
  );
}
console.log(`left when stopped: ${left.join(', ')}`);
counts.failures.slice(0, 5).forEach((failure) => console.log(failure));
process.exitCode = failed ? 1 : 0;
