import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { closedKey } from '../../src/state/redis/redis-keys.ts';
import { countOf, namedShard, shardsOf } from '../../src/state/redis/shard-numbers.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment, getPayment } from '../system/connect-json.ts';

requireRedisInCi();

const marker = 'payment-sim:queue-shards';
const later = { simulation: { delay_ms: 60_000 } };

async function startRedis() {
  const redis = await startRedisServer();
  const admin = new Redis(redis.url);
  onTestFinished(() => admin.disconnect());
  const start = async (shards: number) => {
    const service = await startService({
      REDIS_URL: redis.url,
      QUEUE_SHARDS: String(shards),
      SHUTDOWN_GRACE_MS: '500',
    });
    return { ...service, call: createConnectCaller(service.apiUrl) };
  };
  return { admin, start };
}

/** Of how many shards the payment's is one. */
const spreadOf = (id: string) => countOf(namedShard(id) ?? -1);

const keys = Array.from({ length: 20 }, (_, nth) => `key-${nth}`);

describe.skipIf(missingRedis !== undefined)('a replica with more shards', () => {
  test('adds them: new payments go there, those before keep their ids and their keys', async () => {
    const { admin, start } = await startRedis();
    const receiver = await startWebhookReceiver();
    const few = await start(2);
    const message = { webhook_url: receiver.url, ...later };
    const create = (call: typeof few.call, key: string) =>
      createPayment(call, { ...message, idempotency_key: key });
    const before = await Promise.all(keys.map((key) => create(few.call, key)));
    expect(new Set(before.map(spreadOf))).toEqual(new Set([2]));
    const many = await start(3);
    expect(await admin.get(marker)).toMatch(/^3:2@\d+,3$/);
    expect(many.logs('New payments go to more shards; those before keep theirs')).toMatchObject([
      { before: 2, shards: 3 },
    ]);
    expect(await Promise.all(keys.map((key) => create(many.call, key)))).toEqual(before);
    const after = await Promise.all(keys.map((key) => create(many.call, `${key} of later`)));
    expect(new Set(after.map(spreadOf))).toEqual(new Set([3]));
    // The first one looks every second, and may not know yet.
    expect(await Promise.all(keys.map((key) => create(few.call, `${key} of later`)))).toEqual(after);
    // Each does what is due in all shards.
    await many.app.stop();
    await Promise.all(
      [...before, ...after].map((id) => few.call('ProcessPayment', { payment_intent_id: id })),
    );
    const webhooks = await receiver.waitFor(before.length + after.length);
    expect(new Set(webhooks.map(({ body }) => body['payment_id']))).toEqual(new Set([...before, ...after]));
    const listed = await few.call('ListPayments', { user_id: 'user-1', pagination: { page_size: 100 } });
    expect(listed.body['payments'], JSON.stringify(listed.body)).toHaveLength(before.length + after.length);
  });

  test('is followed by those with the number from before, also when they start later', async () => {
    const { start } = await startRedis();
    await start(2);
    await start(3);
    const few = await start(2);
    expect(few.logs('New payments go to more shards than QUEUE_SHARDS says')).toMatchObject([
      { queueShards: 2, shards: 3 },
    ]);
    expect(spreadOf(await createPayment(few.call))).toBe(3);
    expect(spreadOf(await createPayment(few.call, { idempotency_key: 'key' }))).toBe(3);
  });

  test('has its payments found by one that does not know its shards yet', async () => {
    const { start } = await startRedis();
    const few = await start(2);
    const many = await start(64);
    const id = await createPayment(many.call);
    expect(await getPayment(few.call, id)).toMatchObject({ payment_intent_id: id });
    expect(await getPayment(few.call, 'pay-00000000-0000-4000-8000-000000000fff')).toBe('not_found');
  });

  test('that has died before it told the others is followed by the first create with a key', async () => {
    const { admin, start } = await startRedis();
    const few = await start(2);
    const known = await createPayment(few.call, { idempotency_key: 'key' });
    await Promise.all(shardsOf(2).map((shard) => admin.set(closedKey(shard), 3)));
    expect(await createPayment(few.call, { idempotency_key: 'key' })).toBe(known);
    expect(spreadOf(await createPayment(few.call))).toBe(2);
    expect(await admin.get(marker)).toBe('3:2');
    const ids = await Promise.all(
      keys.map((key) => createPayment(few.call, { idempotency_key: `other ${key}` })),
    );
    expect(new Set(ids.map(spreadOf))).toEqual(new Set([3]));
    expect(new Set(ids).size).toBe(keys.length);
    expect(
      few.logs('Payment intent created').filter((line) => ids.includes(String(line['payment_id']))),
    ).toHaveLength(keys.length);
    expect(await admin.get(marker)).toMatch(/^3:2@\d+,3$/);
  });

  test('leaves nothing closed when the marker is deleted to have fewer', async () => {
    const { admin, start } = await startRedis();
    const services = [await start(2), await start(3)];
    await Promise.all(services.map(({ app }) => app.stop()));
    await admin.del(marker);
    const few = await start(2);
    expect(spreadOf(await createPayment(few.call, { idempotency_key: 'key' }))).toBe(2);
    expect(await admin.get(marker)).toBe('3:2');
  });
});
