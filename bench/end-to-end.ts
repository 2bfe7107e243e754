import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startNode } from './lib/child.ts';
import { grpcLoad, requireH2load } from './lib/grpc-load.ts';
import { cpuMicros } from './lib/process-usage.ts';
import { type Figure, report } from './lib/report.ts';
import { type Service, startService } from './lib/service.ts';
import { median } from './lib/statistics.ts';
import { countOption } from './lib/count-option.ts';

// What a payment with both channels costs, next to its parts bare. See bench/README.md.

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, payments: { type: 'string', default: '20000' } },
});
const payments = countOption('--payments', values.payments);

requireH2load();

/** One measurement: CPU per payment in microseconds, and payments per second of wall time. */
interface Cost {
  readonly cpu: number;
  readonly perSecond: number;
}

const sink = startNode('bench/end-to-end/sink.ts');
const ports = (await sink.ask('ports')) as { webhookPort: number; eventBridgePort: number };
const webhookUrl = `http://127.0.0.1:${ports.webhookPort}/`;
const eventBridgeUrl = `http://127.0.0.1:${ports.eventBridgePort}`;
const settings = { MAX_PAYMENTS: '4000000', DEFAULT_DELAY_MS: '500' };
const full = await startService({
  ...settings,
  EVENTBRIDGE: 'on',
  AWS_ENDPOINT_URL_EVENTBRIDGE: eventBridgeUrl,
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
});
const quiet = await startService(settings);
const webhookLoop = startNode('bench/end-to-end/bare-webhook.ts', { env: { SINK_URL: webhookUrl } });
const eventLoop = startNode('bench/end-to-end/bare-put-events.ts', { env: { SINK_URL: eventBridgeUrl } });

async function cost(pid: number, run: () => Promise<unknown>): Promise<Cost> {
  const [startedAtMs, before] = [performance.now(), cpuMicros(pid)];
  await run();
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { cpu: (cpuMicros(pid) - before) / payments, perSecond: payments / seconds };
}

async function createPayments(service: Service, url: string): Promise<void> {
  const load = { port: service.apiPort, connections: 10, streams: 5, calls: payments, webhookUrl: url };
  const { done, failed } = await grpcLoad(load);
  if (done !== payments || failed > 0) {
    throw new Error(`${failed} of ${payments} creates failed`);
  }
}

/** The sink is asked, since asking the service would cost the service. */
async function arrived(): Promise<{ webhooks: number; events: number; eventCalls: number }> {
  return (await sink.ask('counts')) as { webhooks: number; events: number; eventCalls: number };
}

/** In the last run of `endToEnd`; fewer than ten when the machine brings payments too slowly. */
let eventsPerCall = Number.NaN;

async function endToEnd(): Promise<void> {
  const before = await arrived();
  await createPayments(full, webhookUrl);
  for (const giveUpAtMs = performance.now() + 120_000; ; await delay(10)) {
    const now = await arrived();
    if (now.webhooks - before.webhooks >= payments && now.events - before.events >= payments) {
      eventsPerCall = payments / (now.eventCalls - before.eventCalls);
      return;
    }
    if (performance.now() > giveUpAtMs) {
      throw new Error(`not all came out: ${JSON.stringify({ before, now })}`);
    }
  }
}

/** Settlement belongs to the part, its metrics and its log line too. */
async function createOnly(): Promise<void> {
  await createPayments(quiet, '');
  await delay(600);
}

/** The first round warms up and does not count. */
const rounds: (Record<'endToEnd' | 'create' | 'webhook' | 'event', Cost> & { eventsPerCall: number })[] = [];
for (let round = 0; round <= countOption('--rounds', values.rounds); round += 1) {
  console.log(round === 0 ? 'Warm-up …' : `Round ${round} …`);
  const result = {
    endToEnd: await cost(full.pid, endToEnd),
    create: await cost(quiet.pid, createOnly),
    webhook: await cost(webhookLoop.pid, () => webhookLoop.ask(payments)),
    event: await cost(eventLoop.pid, () => eventLoop.ask(payments / 10)),
    eventsPerCall,
  };
  if (round > 0) {
    rounds.push(result);
  }
}
await Promise.all([full.stop(), quiet.stop(), webhookLoop.stop(), eventLoop.stop(), sink.stop()]);

const middle = (read: (round: (typeof rounds)[number]) => number) => median(rounds.map(read));
const figures: Figure[] = [
  {
    name: 'payments completed, both channels',
    value: middle((round) => round.endToEnd.perSecond),
    unit: '/s',
  },
  { name: 'CPU per payment, both channels', value: middle((round) => round.endToEnd.cpu), unit: 'µs' },
  { name: 'events in one PutEvents call', value: middle((round) => round.eventsPerCall), unit: '' },
  { name: 'part: create and settle, no channel', value: middle((round) => round.create.cpu), unit: 'µs' },
  { name: 'part: bare undici POST', value: middle((round) => round.webhook.cpu), unit: 'µs' },
  { name: 'part: bare PutEvents, by ten', value: middle((round) => round.event.cpu), unit: 'µs' },
  {
    name: 'end to end ÷ sum of parts',
    value: middle(
      ({ endToEnd: whole, create, webhook, event }) => whole.cpu / (create.cpu + webhook.cpu + event.cpu),
    ),
    unit: '',
    atMost: 1.35,
  },
];
report('end-to-end', figures, { payments, rounds });
