import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { createJsonSteeringClient } from '../support/clients/steering-client.ts';
import { openWatch } from '../support/clients/watch-client.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { inSession, steeringOf } from '../support/steering.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

requireRedisInCi();

/** Two replicas over one Redis. */
async function startReplicas() {
  const [redis, receiver] = await Promise.all([startRedisServer(), startWebhookReceiver()]);
  const env = { REDIS_URL: redis.url, DEFAULT_DELAY_MS: '0', EVENTBRIDGE: 'off' };
  const [first, second] = await Promise.all([startService(env), startService(env)]);
  const [one, two] = [first, second].map(({ apiUrl }) => steeringOf(createJsonSteeringClient(apiUrl)));
  if (one === undefined || two === undefined) {
    throw new Error('two replicas');
  }
  return { redis, receiver, first, second, one, two };
}

describe.skipIf(missingRedis !== undefined)('what happened, with state in Redis', () => {
  test('is told by each replica, whichever did it', async () => {
    const { receiver, second, one, two } = await startReplicas();
    const watch = openWatch(second.apiUrl, {}, inSession('a'));
    await watch.opened();
    const id = await one.create({ webhook_url: receiver.url }, 'a');
    await watch.until(({ delivery }) => delivery?.status === 'DELIVERY_STATUS_DELIVERED');
    expect(new Set(watch.entries.map(({ payment_intent_id: of }) => of))).toEqual(new Set([id]));
    expect(watch.entries.filter(({ call }) => call !== undefined)).toHaveLength(1);
    const positions = watch.entries.map(({ cursor }) => Number(cursor.split('-')[1]));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    for (const replica of [one, two]) {
      const { deliveries = [] } = await replica.done('ListDeliveries', { payment_intent_id: id });
      const [delivery] = deliveries as JsonObject[];
      expect(delivery).toMatchObject({ attempts: [{ body: receiver.received[0]?.rawBody.toString() }] });
    }
  });

  test('is sent again by a replica that has not sent it before, and waited for', async () => {
    const { receiver, one, two } = await startReplicas();
    const id = await one.create({ webhook_url: receiver.url });
    const delivered = {
      condition: { deliveries: { payment_intent_id: id, status: 'DELIVERY_STATUS_DELIVERED' } },
    };
    expect(await two.done('Await', delivered)).toMatchObject({ met: true });
    expect(await two.done('ResendDeliveries', { payment_intent_id: id })).toMatchObject({ total: 1 });
    const webhooks = await receiver.waitFor(2);
    expect(new Set(webhooks.map(({ body }) => body['event_id'])).size).toBe(1);
    const twice = { condition: { deliveries: { payment_intent_id: id, min_attempts: 2 } } };
    expect(await one.done('Await', twice)).toMatchObject({ met: true });
  });

  test('is forgotten by a reset, on each replica', async () => {
    const { one, two } = await startReplicas();
    await one.create({}, 'a');
    await one.create({}, 'b');
    await two.done('ResetSession', {}, 'a');
    for (const replica of [one, two]) {
      const calls = { condition: { calls: {} }, min: 0, timeout: '0s' };
      expect(await replica.done('Await', calls, 'a')).not.toHaveProperty('observed');
      expect(await replica.done('Await', calls, 'b')).toMatchObject({ observed: 1 });
    }
  });

  test('has no clock that can be moved', async () => {
    const { one } = await startReplicas();
    const { code, text } = await one.call(
      'UpdateSession',
      { session: { manual_clock: true } },
      inSession('a'),
    );
    expect([code, text]).toEqual(['FAILED_PRECONDITION', expect.stringContaining('needs state in memory')]);
  });

  test('disturbs nobody when Redis is away', async () => {
    const { redis, first, one } = await startReplicas();
    await one.create();
    await redis.stop();
    const { code } = await one.call('ListDeliveries', {});
    expect(code).toBe('UNAVAILABLE');
    await one.call('CreatePaymentIntent', {});
    await expect.poll(() => first.logs('Entries of the journal were lost')).not.toEqual([]);
  });
});
