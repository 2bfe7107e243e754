import { describe, expect, test } from 'vitest';
import { startCluster } from '../support/cluster.ts';
import { startDistantServer } from '../support/distant-server.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { callSteadily, quantileOf } from '../support/steady-load.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const seconds = 10;
const delayMs = 1_000;
/**
 * Some 100 are what is measured at 25 ms: the bucket, and the round trips of its job. One job for each payment, and one
 * fetched per round trip, made 4,000 to 19,000; a machine with ten times the work it can do makes 1,200.
 */
const maxLagMs = 2_500;

describe.skipIf(missingRedis !== undefined)('a Redis at a distance', () => {
  // At some of these distances more payments are due per second than there are round trips.
  test.each([
    { roundTripMs: 4, perSecond: 1_000 },
    { roundTripMs: 25, perSecond: 200 },
  ])('$roundTripMs ms: $perSecond payments a second settle in time and are told once', async (load) => {
    const [redis, receiver] = await Promise.all([startRedisServer(), startWebhookReceiver()]);
    const distant = await startDistantServer(redis.port, load.roundTripMs);
    const cluster = await startCluster(1, {
      env: { REDIS_URL: `redis://127.0.0.1:${distant.port}`, EVENTBRIDGE: 'off' },
    });
    const ids = new Set<unknown>();
    await callSteadily({ ...load, seconds }, async () => {
      const message = { webhook_url: receiver.url, simulation: { delay_ms: delayMs } };
      const answer = await cluster.replicas[0]?.call('CreatePaymentIntent', intentMessage(message));
      expect(answer?.httpStatus).toBe(200);
      ids.add(answer?.body['payment_intent_id']);
    });
    const paymentIds = () => new Set(receiver.received.map(({ body }) => body['payment_id']));
    await expect.poll(() => paymentIds().size, { timeout: 30_000, interval: 100 }).toBe(ids.size);
    await expect
      .poll(() => cluster.replicas[0]?.metric('payment_settlements_scheduled'), { timeout: 10_000 })
      .toBe(0);

    const lagsMs = cluster.latenciesMs.map((latencyMs) => latencyMs - delayMs);
    const lag = { p50: quantileOf(lagsMs, 0.5), p95: quantileOf(lagsMs, 0.95), max: Math.max(...lagsMs) };
    const duplicates = receiver.received.length - ids.size;
    const left = cluster.warnings.filter((line) => line.includes('A job was left by a process'));
    console.log(
      `${load.roundTripMs} ms, ${load.perSecond}/s: lag p50 ${lag.p50} ms, p95 ${lag.p95} ms, ` +
        `max ${lag.max} ms; ${duplicates} duplicates, ${left.length} taken over`,
    );
    expect(lag.p95).toBeLessThan(maxLagMs);
    expect(left).toEqual([]);
    expect(duplicates).toBe(0);
  });
});
