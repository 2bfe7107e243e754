import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment, getPayment } from '../system/connect-json.ts';

requireRedisInCi();

const slots = 16_384;

/** A cluster of three nodes without replicas; gives a client for each. */
async function startCluster() {
  const nodes = await Promise.all(
    Array.from({ length: 3 }, () => startRedisServer({ args: ['--cluster-enabled', 'yes'] })),
  );
  const clients = nodes.map(({ port }) => new Redis(port, '127.0.0.1'));
  onTestFinished(() => clients.forEach((client) => client.disconnect()));
  const share = Math.ceil(slots / nodes.length);
  await Promise.all(
    clients.map((client, i) => {
      const first = i * share;
      const own = Array.from({ length: Math.min(share, slots - first) }, (_, slot) => first + slot);
      return client.cluster('ADDSLOTS', own);
    }),
  );
  for (const { port } of nodes.slice(1)) {
    await clients[0]?.cluster('MEET', '127.0.0.1', port);
  }
  for (const client of clients) {
    await expect
      .poll(() => client.cluster('INFO'), { timeout: 15_000 })
      .toMatch(/cluster_state:ok[^]*cluster_known_nodes:3/);
  }
  return { url: nodes[0]?.url ?? '', clients };
}

describe.skipIf(missingRedis !== undefined)('on a Redis cluster', () => {
  test('payments are on all nodes, and two replicas serve and settle them', async () => {
    const cluster = await startCluster();
    const receiver = await startWebhookReceiver();
    const variables = {
      REDIS_URL: cluster.url,
      REDIS_CLUSTER: 'on',
      QUEUE_SHARDS: '6',
      DEFAULT_DELAY_MS: '100',
      SHUTDOWN_GRACE_MS: '1000',
    };
    const [a, b] = [await startService(variables), await startService(variables)];
    const [callA, callB] = [createConnectCaller(a.apiUrl), createConnectCaller(b.apiUrl)];
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        createPayment(callA, { webhook_url: receiver.url, idempotency_key: `key-${i}` }),
      ),
    );
    for (const id of ids) {
      expect(await getPayment(callB, id)).toMatchObject({ payment_intent_id: id });
    }
    const webhooks = await receiver.waitFor(60);
    expect(new Set(webhooks.map(({ body }) => body['payment_id']))).toEqual(new Set(ids));
    const stored = await Promise.all(cluster.clients.map((client) => client.keys('*:payment:*')));
    expect(stored.flat()).toHaveLength(60);
    expect(stored.filter((keys) => keys.length > 0).length).toBeGreaterThan(1);
    expect(await a.metric('redis_up')).toBe(1);
  });
});
