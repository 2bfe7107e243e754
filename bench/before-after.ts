import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startNode } from './lib/child.ts';
import { runH2load } from './lib/h2load.ts';
import { pin } from './lib/pin.ts';
import { threadNanos } from './lib/process-usage.ts';
import { report } from './lib/report.ts';
import { createPath, grpcHeaders, jsonHeaders, writeRequestBodies } from './lib/request-bodies.ts';
import { type Service, startService } from './lib/service.ts';
import { median } from './lib/statistics.ts';
import { grpcLoad } from './lib/grpc-load.ts';

/*
 * What a change costs: two checkouts of the service side by side. See bench/README.md.
 *
 * Whichever process starts first in a run is some 6 % cheaper, whatever its code, and neighbours in time
 * differ by a fifth: so starts are in both orders, rounds are short and alternate, and services have a core
 * of their own.
 */

const { values: options } = parseArgs({
  options: {
    before: { type: 'string' },
    sets: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '8' },
    payments: { type: 'string', default: '10000' },
    only: { type: 'string', default: 'grpc,json,end-to-end' },
    rules: { type: 'string', default: '0' },
  },
});
const beforePath = options.before === undefined ? undefined : join(resolve(options.before), 'src/main.ts');
if (beforePath === undefined || !existsSync(beforePath)) {
  throw new Error('--before is a checkout with its own node_modules: git worktree add ../before <commit>');
}
const entries = { before: beforePath, after: 'src/main.ts' };
type Side = keyof typeof entries;
const payments = Number(options.payments);

const sink = startNode('bench/end-to-end/sink.ts');
const sinkPorts = (await sink.ask('ports')) as { webhookPort: number; eventBridgePort: number };
const webhookUrl = `http://127.0.0.1:${sinkPorts.webhookPort}/`;
const settings = { MAX_PAYMENTS: '4000000', DEFAULT_DELAY_MS: '500' };
const eventBridge = {
  EVENTBRIDGE: 'on',
  AWS_ENDPOINT_URL_EVENTBRIDGE: `http://127.0.0.1:${sinkPorts.eventBridgePort}`,
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
};
const bodies = writeRequestBodies();
const rules = Number(options.rules) === 0 ? {} : { RULES_FILE: writeRules(Number(options.rules)) };

/** A file of rules of which none fits: a third by whole users, a third by how users begin, a third by amounts. */
function writeRules(count: number): string {
  const matches = [
    (i: number) => ({ user_id: `nobody-${i}` }),
    (i: number) => ({ user_id: `nobody-else-${i}-*` }),
    (i: number) => ({ min_amount: 100_000_000 + i }),
  ];
  const list = Array.from({ length: count }, (_, i) => ({
    match: matches[i % matches.length]?.(i),
    simulation: { failure_code: 'do_not_honor' },
  }));
  const file = join(bodies.folder, 'rules.json');
  writeFileSync(file, JSON.stringify(list));
  return file;
}

async function creates(service: Service, protocol: 'grpc' | 'json'): Promise<number> {
  const { requests, failures } = await runH2load({
    url: `http://127.0.0.1:${service.apiPort}${createPath}`,
    headers: protocol === 'grpc' ? grpcHeaders : jsonHeaders,
    bodyFile: bodies[protocol],
    connections: protocol === 'grpc' ? 5 : 50,
    streamsPerConnection: protocol === 'grpc' ? 10 : 1,
    http1: protocol === 'json',
    warmUpSeconds: 0,
    seconds: 1,
  });
  if (failures > 0) {
    throw new Error(`${failures} creates failed`);
  }
  return requests;
}

async function arrived(): Promise<{ webhooks: number; events: number }> {
  return (await sink.ask('counts')) as { webhooks: number; events: number };
}

/** With a webhook and an event each, until the sink has them all. */
async function endToEnd(service: Service): Promise<number> {
  const before = await arrived();
  const load = { port: service.apiPort, connections: 10, streams: 5, calls: payments, webhookUrl };
  const { done, failed } = await grpcLoad(load);
  for (const giveUpAtMs = performance.now() + 60_000; ; await delay(10)) {
    const now = await arrived();
    if (Math.min(now.webhooks - before.webhooks, now.events - before.events) >= payments) {
      return payments;
    }
    if (failed > 0 || done < payments || performance.now() > giveUpAtMs) {
      throw new Error(`not all came out: ${JSON.stringify({ done, failed, before, now })}`);
    }
  }
}

const kinds: Record<string, (service: Service) => Promise<number>> = {
  grpc: (service) => creates(service, 'grpc'),
  json: (service) => creates(service, 'json'),
  'end-to-end': endToEnd,
};

/** CPU of a call in microseconds, what settles later and is due by the end of the wait included. */
async function cost(service: Service, run: (service: Service) => Promise<number>): Promise<number> {
  const before = threadNanos(service.pid);
  const calls = await run(service);
  await delay(700);
  return (threadNanos(service.pid) - before) / calls / 1000;
}

interface SetResult {
  readonly kind: string;
  readonly order: readonly Side[];
  readonly before: number[];
  readonly after: number[];
}

async function runSet(kind: string, order: readonly Side[]): Promise<SetResult> {
  const run = kinds[kind];
  if (run === undefined) {
    throw new Error(`--only: ${kind} is none of ${Object.keys(kinds).join(', ')}`);
  }
  const services = new Map<Side, Service>();
  for (const side of order) {
    const service = await startService(
      { ...settings, ...(kind === 'end-to-end' ? eventBridge : {}), ...(side === 'after' ? rules : {}) },
      { entry: entries[side] },
    );
    pin(service.pid, 1);
    services.set(side, service);
  }
  const result: SetResult = { kind, order, before: [], after: [] };
  for (let round = -2; round < Number(options.rounds); round += 1) {
    for (const side of round % 2 === 0 ? order : order.toReversed()) {
      const service = services.get(side);
      const micros = service === undefined ? Number.NaN : await cost(service, run);
      if (round >= 0) {
        result[side].push(micros);
      }
    }
  }
  await Promise.all([...services.values()].map((service) => service.stop()));
  const [before, after] = [median(result.before), median(result.after)];
  console.log(
    `${kind}, ${order[0]} first: ${before.toFixed(1)} → ${after.toFixed(1)} µs, ${(before / after).toFixed(3)}`,
  );
  return result;
}

pin(process.pid, 0);
pin(sink.pid, 0);
const sets: SetResult[] = [];
for (let set = 0; set < Number(options.sets); set += 1) {
  for (const kind of options.only.split(',')) {
    sets.push(await runSet(kind, set % 2 === 0 ? ['before', 'after'] : ['after', 'before']));
  }
}
await sink.stop();

/** Of pairs of sets in both orders, the geometric mean, in which the order cancels out; of the pairs, the median. */
function ratio(kind: string): number {
  const ratios = sets.filter((set) => set.kind === kind).map((set) => median(set.before) / median(set.after));
  const pairs = ratios.flatMap((first, i) =>
    i % 2 === 0 ? [Math.sqrt(first * (ratios[i + 1] ?? first))] : [],
  );
  return median(pairs);
}

report(
  'before-after',
  options.only
    .split(',')
    .map((kind) => ({ name: `CPU per payment, ${kind}, before ÷ after`, value: ratio(kind), unit: '' })),
  { sets },
);
