import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { buildWebhooks } from '../src/app/channels.ts';
import { systemClock } from '../src/base/clock.ts';
import { loadConfig } from '../src/app/config.ts';
import { createEgressPolicy } from '../src/delivery/webhook/egress-policy.ts';
import { resolveWithSystem } from '../src/delivery/webhook/connector.ts';
import type { DeliveryReport } from '../src/delivery/observer.ts';
import { createMemoryState } from '../src/state/memory/memory-state.ts';
import { createMetrics } from '../src/observability/metrics.ts';
import { sampleEvent } from './end-to-end/sample-event.ts';
import { startNode } from './lib/child.ts';
import { report } from './lib/report.ts';
import { median, percentile } from './lib/statistics.ts';
import { countOption } from './lib/count-option.ts';

// What five dead origins cost the webhooks of 500 healthy ones. See bench/README.md.

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '6' } },
});
const healthyPerSecond = 500;
const deadPerSecond = 500;
/** Within a round all attempts to the dead time out, their circuits open, and probes find them dead. */
const config = loadConfig({ WEBHOOK_TIMEOUT_MS: '2000', WEBHOOK_RETRY_BASE_MS: '200' });

interface Round {
  /** From settlement to the receiver's answer, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

const receivers = startNode('bench/dead-origins/receivers.ts');
const ports = (await receivers.ask('ports')) as { healthy: number[]; dead: number[] };

/** The service's own sender with its own limits, made anew so that no circuit is left of the round before. */
async function measure(withDead: boolean): Promise<Round> {
  const acceptedAt = new Map<string, number>();
  const latencies: number[] = [];
  const metrics = createMetrics(false);
  function observe(told: DeliveryReport): void {
    if (told.kind === 'delivered') {
      latencies.push(performance.now() - (acceptedAt.get(told.delivery.event.id) ?? Number.NaN));
    }
  }
  const { channel, close } = buildWebhooks(
    config,
    {
      clock: systemClock,
      machine: systemClock,
      random: Math.random,
      metrics,
      observe,
      state: createMemoryState({
        ...config,
        clock: systemClock,
        machine: systemClock,
        idempotencyTtlMs: 1,
      }),
      deadLetterQueue: undefined,
    },
    {
      policy: createEgressPolicy({ allowLoopback: true, blockedCidrs: [], allowedHosts: [] }),
      resolve: resolveWithSystem,
    },
  );
  channel.start();
  const startedAt = performance.now();
  let [healthySent, deadSent] = [0, 0];
  const send = (port: number | undefined, id: string) =>
    void channel.accept({
      ...sampleEvent,
      id,
      occurredAtMs: Date.now(),
      destination: `http://127.0.0.1:${port}/`,
    });
  for (
    let elapsed = 0;
    elapsed < countOption('--seconds', values.seconds);
    elapsed = (performance.now() - startedAt) / 1000
  ) {
    for (; deadSent < elapsed * (withDead ? deadPerSecond : 0); deadSent += 1) {
      send(ports.dead[deadSent % ports.dead.length], `dead-${deadSent}`);
    }
    for (; healthySent < elapsed * healthyPerSecond; healthySent += 1) {
      acceptedAt.set(`healthy-${healthySent}`, performance.now());
      send(ports.healthy[healthySent % ports.healthy.length], `healthy-${healthySent}`);
    }
    await delay(1);
  }
  await delay(1_000);
  if (latencies.length !== healthySent) {
    throw new Error(`${latencies.length} of ${healthySent} webhooks were delivered`);
  }
  await channel.drain(0);
  await close();
  const sorted = Float64Array.from(latencies).toSorted();
  return { p50: percentile(sorted, 50), p99: percentile(sorted, 99) };
}

/** The first round warms up and does not count. */
const rounds: { readonly without: Round; readonly withDead: Round }[] = [];
for (let round = 0; round <= countOption('--rounds', values.rounds); round += 1) {
  const result = { without: await measure(false), withDead: await measure(true) };
  console.log(round === 0 ? 'Warm-up' : `Round ${round}`, JSON.stringify(result));
  if (round > 0) {
    rounds.push(result);
  }
}
await receivers.stop();

const middle = (read: (round: (typeof rounds)[number]) => number) => median(rounds.map(read));
report(
  'dead-origins',
  [
    { name: 'healthy p99 without dead origins', value: middle((round) => round.without.p99), unit: 'ms' },
    { name: 'healthy p99 with 5 dead origins', value: middle((round) => round.withDead.p99), unit: 'ms' },
    {
      name: 'healthy p99, with ÷ without',
      value: middle(({ without, withDead }) => withDead.p99 / without.p99),
      unit: '',
      atMost: 1.2,
    },
  ],
  { rounds },
);
