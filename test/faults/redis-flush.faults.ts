import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { type Outcomes, startOutcomes } from '../support/outcomes.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { checkNothingPending } from '../support/settled-once.ts';
import { callSteadily } from '../support/steady-load.ts';
import { intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const perSecond = 200;
const seconds = 10;
const flushIntervalMs = 200;
const longestDelayMs = 3_000;

/** What became of a payment: where its story ends, and how many events tell it. */
interface Story {
  readonly status: string;
  readonly events: number;
}

/** What arrived of each payment: `<channel> <sequence>` with the statuses and event ids that it came with. */
type Told = Map<string, Map<string, Set<string>>>;

function follow(outcomes: Outcomes): Told {
  const told: Told = new Map();
  outcomes.answer = ({ channel, paymentId, sequence, status, eventId }) => {
    const events = told.get(paymentId) ?? new Map<string, Set<string>>();
    const mark = `${channel} ${sequence}`;
    told.set(paymentId, events.set(mark, (events.get(mark) ?? new Set()).add(`${status} ${eventId}`)));
    return 'take';
  };
  return told;
}

/** Creates a payment; of four one is processed, one processed and refunded, and one cancelled. */
async function live(
  { replicas }: Cluster,
  outcomes: Outcomes,
  nth: number,
  onFailed: (text: string) => void,
): Promise<[string, Story]> {
  // A call that fails is repeated with its key, so that the rest of the test still says what became of it.
  const call = async (method: string, message: Readonly<Record<string, unknown>>) => {
    for (;;) {
      const answer = await replicas[nth % replicas.length]?.call(method, message);
      if (answer?.httpStatus === 200) {
        return answer.body;
      }
      onFailed(`${method}: ${JSON.stringify(answer?.body)}`);
      await delay(50);
    }
  };
  const kind = (['left alone', 'processed', 'refunded', 'cancelled'] as const)[nth % 4];
  const delayMs = kind === 'left alone' ? (nth * 7_919) % longestDelayMs : 86_400_000;
  const created = await call(
    'CreatePaymentIntent',
    intentMessage({
      webhook_url: outcomes.webhookUrl,
      idempotency_key: `key-${nth}`,
      simulation: { delay_ms: delayMs },
    }),
  );
  const id = String(created['payment_intent_id']);
  const request = { payment_intent_id: id, idempotency_key: `then-${nth}` };
  if (kind === 'processed' || kind === 'refunded') {
    await call('ProcessPayment', { payment_intent_id: id });
  }
  if (kind === 'refunded' || kind === 'cancelled') {
    await call('CancelPayment', request);
  }
  const status = kind === 'refunded' ? 'REFUNDED' : kind === 'cancelled' ? 'CANCELLED' : 'COMPLETED';
  return [id, { status: `PAYMENT_STATUS_${status}`, events: kind === 'refunded' ? 2 : 1 }];
}

describe.skipIf(missingRedis !== undefined)('a Redis whose scripts are thrown away', () => {
  test(`SCRIPT FLUSH every ${flushIntervalMs} ms under load: no call fails, nothing is lost`, async () => {
    const [redis, outcomes] = await Promise.all([startRedisServer(), startOutcomes()]);
    const told = follow(outcomes);
    const cluster = await startCluster(2, { env: { ...outcomes.env, REDIS_URL: redis.url } });
    const admin = new Redis(redis.url);
    onTestFinished(() => admin.disconnect());
    const flushing = setInterval(() => void admin.script('FLUSH'), flushIntervalMs);
    onTestFinished(() => clearInterval(flushing));
    const stories = new Map<string, Story>();
    const failures: string[] = [];
    await callSteadily({ perSecond, seconds }, async (nth) => {
      const [id, story] = await live(cluster, outcomes, nth, (text) => failures.push(text));
      stories.set(id, story);
    });
    clearInterval(flushing);
    console.log(
      `scripts flushed: ${stories.size} payments, ${failures.length} calls failed, such as ${failures[0] ?? 'none'}; ` +
        `${cluster.warnings.length} warnings`,
    );
    const untold = () => [...stories].filter(([id, { events }]) => told.get(id)?.size !== 2 * events);
    await expect.poll(() => untold().length, { timeout: 15_000 }).toBe(0);
    const differing = [...told].filter(([, events]) => [...events.values()].some(({ size }) => size > 1));
    expect(differing).toEqual([]);
    await checkStatuses(cluster, stories);
    await checkNothingPending(cluster);
    expect(failures.slice(0, 3)).toEqual([]);
  });
});

async function checkStatuses({ replicas: [replica] }: Cluster, stories: Map<string, Story>): Promise<void> {
  for (const [id, { status }] of stories) {
    const answer = await replica?.call('GetPaymentStatus', { payment_intent_id: id });
    expect(answer?.body['payment']).toMatchObject({ status });
  }
}
