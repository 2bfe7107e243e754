import { describe, expect, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';

requireRedisInCi();

/** Two replicas over one Redis: what one begins the other may end. */
async function startReplicas() {
  const [redis, receiver] = await Promise.all([startRedisServer(), startWebhookReceiver()]);
  const env = { REDIS_URL: redis.url, DEFAULT_DELAY_MS: '0' };
  const [first, second] = await Promise.all([startService(env), startService(env)]);
  const [one, two] = [createConnectCaller(first.apiUrl, 2), createConnectCaller(second.apiUrl, 2)];
  const pay = (delivery: Record<string, unknown>) =>
    createPayment(one, { webhook_url: receiver.url, simulation: { delivery } });
  return { receiver, first, two, pay };
}

describe.skipIf(missingRedis !== undefined)('with state in Redis', () => {
  test('copies, and a contradiction, come under the ids that they have in memory', async () => {
    const { receiver, pay } = await startReplicas();
    await pay({ copies: 2, conflicting_status: 'PAYMENT_STATUS_FAILED' });
    const webhooks = await receiver.waitFor(3);
    expect(webhooks.map(({ body }) => body['status'])).toEqual([
      'PAYMENT_STATUS_COMPLETED',
      'PAYMENT_STATUS_COMPLETED',
      'PAYMENT_STATUS_FAILED',
    ]);
    const [first, second, third] = webhooks.map(({ body }) => body['event_id']);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test('a refund that another replica takes overtakes the payment, every time', async () => {
    const { receiver, two, pay } = await startReplicas();
    for (let payments = 0; payments < 5; payments += 1) {
      const id = await pay({ hold_until_next_event: true });
      await two('ProcessPayment', { payment_intent_id: id });
      const refunded = await two('CancelPayment', { payment_intent_id: id });
      expect(refunded.body['status']).toBe('PAYMENT_STATUS_REFUNDED');
      const webhooks = (await receiver.waitFor(2 * payments + 2)).slice(2 * payments);
      expect(webhooks.map(({ body }) => body['sequence'])).toEqual([2, 1]);
    }
  });

  test('a delayed webhook outlives the replica that took the payment', async () => {
    const { receiver, pay, two, first } = await startReplicas();
    const id = await pay({ delay_ms: 500 });
    await two('ProcessPayment', { payment_intent_id: id });
    await first.app.stop();
    const [webhook] = await receiver.waitFor(1);
    expect(webhook?.body['payment_id']).toBe(id);
  });
});
