import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type RedisServer, startRedisServer } from '../dev/redis-server.ts';
import { startNode } from './lib/child.ts';
import { grpcLoad, requireH2load } from './lib/grpc-load.ts';
import { cpuMicros } from './lib/process-usage.ts';
import { type Figure, report } from './lib/report.ts';
import { type Service, startService } from './lib/service.ts';
import { median } from './lib/statistics.ts';
import { countOption } from './lib/count-option.ts';
import { measureBytes } from './redis/bytes.ts';
import { measureCluster } from './redis/cluster.ts';
import { measureLag, measureRetry } from './redis/distance.ts';
import { redisSettings } from './redis/settings.ts';

// What state in Redis costs, with one process and with two behind one port, what the index of ListPayments costs, what
// a cluster and a distance make of it. See bench/README.md.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    payments: { type: 'string', default: '10000' },
    only: { type: 'string', default: 'memory,one,unindexed,two,bytes,cluster,distance,retry' },
    'append-only': { type: 'string', default: 'everysec' },
  },
});
const payments = countOption('--payments', values.payments);
const seconds = countOption('--seconds', values.seconds);
const appendOnly = readAppendOnly(values['append-only']);
requireH2load();

function readAppendOnly(text: string): 'off' | 'everysec' | 'always' {
  if (text !== 'off' && text !== 'everysec' && text !== 'always') {
    throw new Error('--append-only is off, everysec or always');
  }
  return text;
}

/** One measurement of one contender; CPU in microseconds per payment. */
interface Round {
  readonly createsPerSecond: number;
  readonly createCpu: number;
  readonly createRedisCpu: number;
  readonly completedPerSecond: number;
  readonly completedCpu: number;
  readonly completedRedisCpu: number;
}

/** Enough for the system to share them out evenly; 64 calls in flight in all. */
const load = { connections: 32, streams: 2 };
const warmUpSeconds = 3;
/** What was on its way has arrived when nothing has for so long, in milliseconds. */
const quietMs = 500;

const sink = startNode('bench/end-to-end/sink.ts');
const ports = (await sink.ask('ports')) as { webhookPort: number; eventBridgePort: number };
const webhookUrl = `http://127.0.0.1:${ports.webhookPort}/`;
const settings = redisSettings(ports.eventBridgePort);

/** The sink is asked, since asking the service would cost the service. */
async function arrived(): Promise<{ webhooks: number; events: number }> {
  return (await sink.ask('counts')) as { webhooks: number; events: number };
}

async function untilQuiet(): Promise<void> {
  for (let seen = -1; ; await delay(quietMs)) {
    const { webhooks, events } = await arrived();
    if (webhooks + events === seen) {
      return;
    }
    seen = webhooks + events;
  }
}

/** @throws when fewer creates than were answered were also OK: h2load has no eye for `grpc-status`. */
async function requireOk(services: readonly Service[], atLeast: number): Promise<void> {
  const name =
    'grpc_server_handled_total{grpc_type="unary",grpc_service="payment.v1.PaymentService",' +
    'grpc_method="CreatePaymentIntent",grpc_code="OK"}';
  const counts = await Promise.all(services.map((service) => service.metric(name)));
  const ok = counts.reduce((sum, count) => sum + count, 0);
  if (ok < atLeast) {
    throw new Error(`of ${atLeast} creates only ${ok} were OK`);
  }
}

async function measure(services: readonly Service[], redis: RedisServer | undefined): Promise<Round> {
  const port = services[0]?.apiPort ?? 0;
  const cpu = () => services.reduce((sum, { pid }) => sum + cpuMicros(pid), 0);
  const redisPid = redis?.pid();
  const redisCpu = () => (redisPid === undefined ? 0 : cpuMicros(redisPid));

  await grpcLoad({ ...load, port, seconds: warmUpSeconds, delayMs: 0, webhookUrl });
  await untilQuiet();
  let [cpuBefore, redisCpuBefore] = [cpu(), redisCpu()];
  // Nothing settles meanwhile.
  const created = await grpcLoad({ ...load, port, seconds, delayMs: 86_400_000 });
  const creates = {
    createsPerSecond: created.perSecond,
    createCpu: (cpu() - cpuBefore) / created.done,
    createRedisCpu: (redisCpu() - redisCpuBefore) / created.done,
  };
  await requireOk(services, created.done);

  const before = await arrived();
  [cpuBefore, redisCpuBefore] = [cpu(), redisCpu()];
  const startedAtMs = performance.now();
  const { done, failed } = await grpcLoad({ ...load, port, calls: payments, delayMs: 0, webhookUrl });
  if (done !== payments || failed > 0) {
    throw new Error(`${failed} of ${payments} creates failed`);
  }
  for (;;) {
    const now = await arrived();
    if (now.webhooks - before.webhooks >= payments && now.events - before.events >= payments) {
      break;
    }
    if (performance.now() - startedAtMs > 120_000) {
      throw new Error(`not all came out: ${JSON.stringify({ before, now })}`);
    }
    await delay(10);
  }
  return {
    ...creates,
    completedPerSecond: (payments / (performance.now() - startedAtMs)) * 1000,
    completedCpu: (cpu() - cpuBefore) / payments,
    completedRedisCpu: (redisCpu() - redisCpuBefore) / payments,
  };
}

async function runMemory(): Promise<Round> {
  const service = await startService(settings);
  try {
    return await measure([service], undefined);
  } finally {
    await service.stop();
  }
}

async function runRedis(processes: number, variables: Readonly<Record<string, string>> = {}): Promise<Round> {
  const redis = await startRedisServer({ appendOnly });
  const services: Service[] = [];
  try {
    const env = {
      ...settings,
      ...variables,
      REDIS_URL: redis.url,
      ...(processes > 1 ? { REUSE_PORT: 'true' } : {}),
    };
    services.push(await startService(env));
    while (services.length < processes) {
      services.push(await startService(env, { sharedPort: services[0]?.apiPort ?? 0 }));
    }
    return await measure(services, redis);
  } finally {
    await Promise.all(services.map((service) => service.stop()));
    await redis.stop();
  }
}

const contenders = {
  memory: runMemory,
  one: () => runRedis(1, { PAYMENT_INDEX: 'on' }),
  unindexed: () => runRedis(1, { PAYMENT_INDEX: 'off' }),
  two: () => runRedis(2, { PAYMENT_INDEX: 'on' }),
};
type Contender = keyof typeof contenders;
const wanted = new Set(values.only.split(','));
const names = (Object.keys(contenders) as Contender[]).filter((name) => wanted.has(name));
const rounds: Partial<Record<Contender, Round>>[] = [];
for (let round = 1; round <= countOption('--rounds', values.rounds); round += 1) {
  const results: Partial<Record<Contender, Round>> = {};
  for (const name of names) {
    const result = await contenders[name]();
    results[name] = result;
    const texts = Object.entries(result).map(([key, value]) => `${key} ${Math.round(value)}`);
    console.log(`Round ${round}, ${name}: ${texts.join(', ')}`);
  }
  rounds.push(results);
}
const extras = await measureExtras();
await sink.stop();

const middle = (name: Contender, key: keyof Round) =>
  median(rounds.flatMap((round) => round[name]?.[key] ?? []));
const ratio = (name: Contender, key: keyof Round, to: Contender = 'memory') =>
  median(rounds.map((round) => (round[name]?.[key] ?? Number.NaN) / (round[to]?.[key] ?? Number.NaN)));
const labels = {
  memory: 'in memory',
  one: 'Redis, one process',
  unindexed: 'Redis, one process, PAYMENT_INDEX=off',
  two: 'Redis, two processes together',
};

const figures: Figure[] = names.flatMap((name) => [
  { name: `creates, ${labels[name]}`, value: middle(name, 'createsPerSecond'), unit: '/s' },
  {
    name: `payments through both channels, ${labels[name]}`,
    value: middle(name, 'completedPerSecond'),
    unit: '/s',
    ...(name === 'memory' ? {} : { atLeast: 1_500 }),
  },
  { name: `CPU per create, ${labels[name]}`, value: middle(name, 'createCpu'), unit: 'µs' },
  { name: `CPU per payment through both, ${labels[name]}`, value: middle(name, 'completedCpu'), unit: 'µs' },
  ...(name === 'memory'
    ? []
    : [
        {
          name: `redis-server per create, ${labels[name]}`,
          value: middle(name, 'createRedisCpu'),
          unit: 'µs',
        },
        {
          name: `redis-server per payment through both, ${labels[name]}`,
          value: middle(name, 'completedRedisCpu'),
          unit: 'µs',
          ...(name === 'one' && { atMost: 120 }),
        },
      ]),
]);
if (names.includes('one') && names.includes('memory')) {
  figures.push(
    { name: 'creates, Redis ÷ in memory', value: ratio('one', 'createsPerSecond'), unit: '', atLeast: 0.6 },
    {
      name: 'CPU per payment through both, Redis ÷ in memory',
      value: ratio('one', 'completedCpu'),
      unit: '',
      atMost: 1.5,
    },
  );
}
if (names.includes('one') && names.includes('two')) {
  figures.push({
    name: 'payments through both channels, two processes ÷ one',
    value: ratio('two', 'completedPerSecond', 'one'),
    unit: '',
    atLeast: 0.85,
  });
}
if (names.includes('one') && names.includes('unindexed')) {
  const added = (key: keyof Round) =>
    median(rounds.map(({ one, unindexed }) => (one?.[key] ?? 0) - (unindexed?.[key] ?? 0)));
  figures.push(
    {
      name: 'creates, PAYMENT_INDEX=on ÷ off',
      value: ratio('one', 'createsPerSecond', 'unindexed'),
      unit: '',
    },
    { name: 'the index, CPU of the service per create', value: added('createCpu'), unit: 'µs' },
    { name: 'the index, CPU of redis-server per create', value: added('createRedisCpu'), unit: 'µs' },
  );
}
report('redis', [...figures, ...extras], { payments, seconds, appendOnly, rounds });

/** What one run of each tells. */
async function measureExtras(): Promise<Figure[]> {
  const found: Figure[] = [];
  if (wanted.has('bytes')) {
    const { pending, settled, index, webhook } = await measureBytes(webhookUrl);
    found.push(
      { name: 'a pending payment in Redis', value: pending, unit: 'bytes', atMost: 900 },
      { name: 'a settled payment in Redis', value: settled, unit: 'bytes', atMost: 500 },
      { name: 'its place in the index', value: index, unit: 'bytes' },
      { name: 'its webhook, with one attempt', value: webhook, unit: 'bytes' },
    );
  }
  if (wanted.has('cluster')) {
    const { fullestToEmptiest, connections } = await measureCluster(settings, webhookUrl, payments);
    found.push(
      {
        name: '3 masters, 12 shards: CPU of the fullest ÷ the emptiest',
        value: fullestToEmptiest,
        unit: '',
        atMost: 1.3,
      },
      { name: '3 masters, 12 shards: connections of a replica', value: connections, unit: '', atMost: 24 },
    );
  }
  if (wanted.has('distance')) {
    found.push(
      { name: 'lag p95, Redis 25 ms away, 200/s', value: await measureLag(25, 200), unit: 'ms', atMost: 300 },
      {
        name: 'lag p95, Redis 4 ms away, 1,000/s',
        value: await measureLag(4, 1_000),
        unit: 'ms',
        atMost: 200,
      },
    );
  }
  if (wanted.has('retry')) {
    found.push({
      name: 'retry with the same key after a lost connection',
      value: await measureRetry(),
      unit: 'ms',
      atMost: 500,
    });
  }
  return found;
}
