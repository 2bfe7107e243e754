import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startNode } from './lib/child.ts';
import { countOption } from './lib/count-option.ts';
import { grpcLoad, requireH2load } from './lib/grpc-load.ts';
import { threadNanos } from './lib/process-usage.ts';
import { report } from './lib/report.ts';
import { startService } from './lib/service.ts';
import { median } from './lib/statistics.ts';

// What one who watches costs a service that takes 5,000 creates a second. See bench/README.md.

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '6' } },
});
const seconds = countOption('seconds', values.seconds);
const connections = 50;
const perSecond = 5_000;
const warmUpSeconds = 2;

interface Counts {
  readonly entries: number;
  readonly calls: number;
  readonly lost: number;
  readonly doubled: number;
  readonly messages: number;
  readonly end: string;
}

interface Round {
  readonly perSecond: number;
  readonly microsPerCreate: number;
  readonly watched: Counts | undefined;
}

async function measure(isWatched: boolean): Promise<Round> {
  const service = await startService({ DEFAULT_DELAY_MS: '500' });
  const reader = isWatched
    ? startNode('bench/watch/reader.ts', { env: { WATCHED_PORT: String(service.apiPort) } })
    : undefined;
  await reader?.ask('begin');
  const before = threadNanos(service.pid);
  const load = await grpcLoad({
    port: service.apiPort,
    connections,
    streams: 10,
    rate: perSecond / connections,
    seconds,
    warmUpSeconds,
  });
  await service.settled();
  const nanos = threadNanos(service.pid) - before;
  await delay(500);
  const watched = (await reader?.ask('counts')) as Counts | undefined;
  const created = await service.metric('payment_intents_created_total{scenario="APPROVE"}');
  await reader?.stop();
  await service.stop();
  return { perSecond: load.perSecond, microsPerCreate: nanos / 1_000 / created, watched };
}

requireH2load();
const rounds: { readonly alone: Round; readonly watched: Round }[] = [];
for (let round = 0; round < countOption('rounds', values.rounds); round += 1) {
  rounds.push({ alone: await measure(false), watched: await measure(true) });
}
const of = (pick: (round: (typeof rounds)[number]) => number) => median(rounds.map(pick));
const watched = rounds.flatMap((round) => round.watched.watched ?? []);
const total = (pick: (counts: Counts) => number) => watched.reduce((sum, counts) => sum + pick(counts), 0);
report(
  'watch',
  [
    { name: 'creates, nobody watches', value: of(({ alone }) => alone.perSecond), unit: '/s' },
    { name: 'creates, one watches', value: of((round) => round.watched.perSecond), unit: '/s' },
    {
      name: 'one watches ÷ nobody',
      value: of((round) => round.watched.perSecond / round.alone.perSecond),
      unit: '',
      atLeast: 0.9,
    },
    { name: 'CPU of a create, nobody watches', value: of(({ alone }) => alone.microsPerCreate), unit: 'µs' },
    { name: 'CPU of a create, one watches', value: of((round) => round.watched.microsPerCreate), unit: 'µs' },
    { name: 'entries read', value: total(({ entries }) => entries), unit: '' },
    { name: 'entries lost', value: total(({ lost }) => lost), unit: '', atMost: 0 },
    { name: 'entries doubled', value: total(({ doubled }) => doubled), unit: '', atMost: 0 },
  ],
  rounds,
);
