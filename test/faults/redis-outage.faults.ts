import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { startOutcomes } from '../support/outcomes.ts';
import { createPayments } from '../support/payment-load.ts';
import { checkSettledOnce } from '../support/settled-once.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

/** Acknowledged before the outage, with delays that end before, in and after it. */
const count = 3_000;
const pauseMs = 20_000;
const recoveryMs = 60_000;

/** An answer that is not there by then counts as hanging, in milliseconds. */
const hangingMs = 10_000;

async function startTwo(appendOnly: 'off' | 'always') {
  const [redis, outcomes] = await Promise.all([startRedisServer({ appendOnly }), startOutcomes()]);
  const cluster = await startCluster(2, { env: { ...outcomes.env, REDIS_URL: redis.url } });
  return { redis, outcomes, cluster, message: messagesTo(outcomes.webhookUrl) };
}

/** Payments with delays of up to `longestMs`. */
const messagesTo = (webhookUrl: string) => (longestMs: number) => (nth: number) => ({
  webhook_url: webhookUrl,
  simulation: { delay_ms: (nth * 7_919) % longestMs },
});

/** What every kind of call answers on every replica. */
async function answersOf(cluster: Cluster, paymentId: string): Promise<ReadonlySet<unknown>> {
  const calls = cluster.replicas.flatMap((replica) => [
    replica.call('GetPaymentStatus', { payment_intent_id: paymentId }),
    replica.call('ProcessPayment', { payment_intent_id: paymentId }),
    replica.call('CreatePaymentIntent', intentMessage({ simulation: { delay_ms: 86_400_000 } })),
    replica.call('CreatePaymentIntent', intentMessage({ idempotency_key: paymentId })),
  ]);
  const hanging = delay(hangingMs, { body: { code: 'hanging' } }, { ref: false });
  const answers = await Promise.all(calls.map((call) => Promise.race([call, hanging])));
  return new Set(answers.map(({ body }) => body['code']));
}

const readiness = (cluster: Cluster) =>
  Promise.all(cluster.replicas.flatMap((replica) => [replica.ops('/readyz'), replica.ops('/livez')]));

describe.skipIf(missingRedis !== undefined)('two replicas whose Redis goes away', () => {
  test('killed under load and restarted with its append-only file: nothing acknowledged is lost', async () => {
    const { redis, outcomes, cluster, message } = await startTwo('always');
    const first = await createPayments(cluster, count, message(4_000));
    let created = 0;
    const { promise: killed, resolve: onKilled } = Promise.withResolvers<void>();
    const later = createPayments(cluster, count, message(4_000), () => {
      created += 1;
      if (created === count / 2) {
        onKilled(redis.kill());
      }
    });
    await killed;
    await expect.poll(() => readiness(cluster), { timeout: 15_000 }).toEqual([503, 200, 503, 200]);
    expect(await answersOf(cluster, first.acknowledged[0] ?? '')).toEqual(new Set(['unavailable']));
    await redis.restart();
    await expect.poll(() => readiness(cluster), { timeout: 30_000 }).toEqual([200, 200, 200, 200]);
    const second = await later;
    const acknowledged = [...first.acknowledged, ...second.acknowledged];
    await outcomes.whenComplete(acknowledged, recoveryMs);
    await checkSettledOnce(cluster, outcomes, acknowledged);
    console.log(
      `redis-server killed: ${acknowledged.length} acknowledged, none lost; ${second.unanswered} creates ` +
        `unanswered; delivered again: ${JSON.stringify(outcomes.countDuplicates())}`,
    );
  }, 180_000);

  test('paused for 20 s: calls fail at once meanwhile, and nothing acknowledged is lost', async () => {
    const { redis, outcomes, cluster, message } = await startTwo('off');
    const { acknowledged } = await createPayments(cluster, count, message(pauseMs));
    redis.pause();
    const pausedUntil = delay(pauseMs);
    await expect.poll(() => readiness(cluster), { timeout: 15_000 }).toEqual([503, 200, 503, 200]);
    expect(await answersOf(cluster, acknowledged[0] ?? '')).toEqual(new Set(['unavailable']));
    await pausedUntil;
    expect(await readiness(cluster)).toEqual([503, 200, 503, 200]);
    redis.resume();
    await expect.poll(() => readiness(cluster), { timeout: 30_000 }).toEqual([200, 200, 200, 200]);
    await outcomes.whenComplete(acknowledged, recoveryMs);
    const after = await createPayments(cluster, 100, message(10));
    await outcomes.whenComplete(after.acknowledged, recoveryMs);
    expect(after.unanswered).toBe(0);
    await checkSettledOnce(cluster, outcomes, [...acknowledged, ...after.acknowledged]);
    console.log(
      `redis-server paused: ${acknowledged.length} acknowledged, none lost; delivered again: ` +
        JSON.stringify(outcomes.countDuplicates()),
    );
  }, 180_000);
});
