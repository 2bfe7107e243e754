import { describe, expect, test } from 'vitest';
import { missingRedis, requireRedisInCi } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import {
  type ConnectCaller,
  createConnectCaller,
  getPayment,
  intentMessage,
} from '../system/connect-json.ts';
import { startRedisCluster } from './start-redis-cluster.ts';

requireRedisInCi();

/** As the answer says when Redis takes too long, which it may on a busy machine: again, with the same key. */
async function createPatiently(call: ConnectCaller, change: Record<string, unknown>): Promise<string> {
  for (;;) {
    const { httpStatus, body } = await call('CreatePaymentIntent', intentMessage(change));
    if (httpStatus !== 503) {
      expect(httpStatus, JSON.stringify(body)).toBe(200);
      return String(body['payment_intent_id']);
    }
  }
}

describe.skipIf(missingRedis !== undefined)('a Redis cluster of three nodes', () => {
  test(
    'payments spread over all nodes, settle once and are known to all replicas',
    { timeout: 120_000 },
    async () => {
      const cluster = await startRedisCluster();
      const receiver = await startWebhookReceiver();
      const env = {
        REDIS_URL: cluster.url,
        REDIS_CLUSTER: 'on',
        QUEUE_SHARDS: '12',
        SHUTDOWN_GRACE_MS: '1000',
      };
      const [a, b] = [await startService(env), await startService(env)];
      // On a busy machine the start does not wait for as long as a cluster takes.
      for (const { opsUrl } of [a, b]) {
        await expect
          .poll(async () => (await fetch(`${opsUrl}/readyz`)).status, { timeout: 60_000 })
          .toBe(200);
      }
      const [callA, callB] = [createConnectCaller(a.apiUrl), createConnectCaller(b.apiUrl)];
      const change = { webhook_url: receiver.url, simulation: { delay_ms: 100 } };
      const ids = await Promise.all(
        Array.from({ length: 300 }, (_, nth) =>
          createPatiently(nth % 2 === 0 ? callA : callB, { ...change, idempotency_key: `payment-${nth}` }),
        ),
      );
      expect(await Promise.all(ids.map((id) => getPayment(callB, id)))).not.toContain('not_found');
      const stored = await Promise.all(cluster.nodes.map(({ client }) => client.dbsize()));
      expect(Math.min(...stored)).toBeGreaterThan(20);
      // On a busy machine the cluster may be down for a moment, and a webhook come twice.
      await expect
        .poll(() => new Set(receiver.received.map(({ body }) => body['payment_id'])), { timeout: 60_000 })
        .toEqual(new Set(ids));
      const key = intentMessage({ idempotency_key: 'key-1' });
      const repeated = [await callA('CreatePaymentIntent', key), await callB('CreatePaymentIntent', key)];
      expect(repeated[1]?.body['payment_intent_id']).toBe(repeated[0]?.body['payment_intent_id']);
    },
  );
});
