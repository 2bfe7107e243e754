import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { type RunningService, startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment, getPayment, intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const maxmemory = 32_000_000;
const fillers = 'of somebody else';

async function startOnLimitedRedis(env: Readonly<Record<string, string>> = {}) {
  const redis = await startRedisServer({ args: ['--maxmemory', String(maxmemory)] });
  const service = await startService({ REDIS_URL: redis.url, SHUTDOWN_GRACE_MS: '500', ...env });
  const admin = new Redis(redis.url);
  onTestFinished(() => admin.disconnect());
  return { redis, service, admin, call: createConnectCaller(service.apiUrl) };
}

async function usedBytes(admin: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1]);
}

/** Fills Redis to this share of its memory with what is not ours, as a neighbour may. */
async function fill(admin: Redis, share: number): Promise<void> {
  const blockBytes = 200_000;
  for (let nth = 0; (await usedBytes(admin)) < share * maxmemory - blockBytes; nth += 1) {
    await admin.append(`${fillers} ${nth}`, 'x'.repeat(blockBytes));
  }
}

/** Until Redis itself refuses to write. */
async function fillUp(admin: Redis): Promise<void> {
  await fill(admin, 0.98);
  for (let isFull = false; !isFull;) {
    isFull = await admin.append(fillers, 'x'.repeat(5_000)).then(
      () => false,
      () => true,
    );
  }
}

async function empty(admin: Redis): Promise<void> {
  await admin.del(await admin.keys(`${fillers}*`));
}

/** One that still takes payments, which are due when nothing fits in any more. */
async function startAlmostFull() {
  let status = 200;
  const receiver = await startWebhookReceiver((response) => response.writeHead(status).end());
  const started = await startOnLimitedRedis({ WEBHOOK_RETRY_BASE_MS: '100' });
  await fill(started.admin, 0.8);
  return {
    ...started,
    receiver,
    answer: (code: number) => void (status = code),
    createAndFillUp: async (count: number): Promise<string[]> => {
      const change = { webhook_url: receiver.url, simulation: { delay_ms: 7_000 } };
      const ids = await Promise.all(Array.from({ length: count }, () => createPayment(started.call, change)));
      await fillUp(started.admin);
      expect(receiver.received).toEqual([]);
      return ids;
    },
  };
}

async function readiness({ opsUrl }: RunningService) {
  const response = await fetch(`${opsUrl}/readyz`);
  const { reason } = (await response.json()) as { reason?: string };
  return { status: response.status, reason };
}

describe.skipIf(missingRedis !== undefined)('a Redis that is getting full', () => {
  test('takes no new payments from 90 % on, says so, settles those that are there, and recovers', async () => {
    const receiver = await startWebhookReceiver();
    const { service, admin, call } = await startOnLimitedRedis({ DEFAULT_DELAY_MS: '60000' });
    const key = { idempotency_key: 'key-1' };
    const known = await createPayment(call, { ...key, webhook_url: receiver.url });
    expect(await service.metric('redis_memory_used_ratio')).toBeLessThan(0.5);
    expect(await readiness(service)).toEqual({ status: 200, reason: undefined });

    await fill(admin, 0.92);
    await expect
      .poll(() => readiness(service))
      .toEqual({
        status: 503,
        reason: expect.stringMatching(/^Redis is full \(9\d% of maxmemory\)/) as string,
      });
    expect(await service.metric('redis_memory_used_ratio')).toBeGreaterThan(0.9);
    for (const change of [{}, { idempotency_key: 'key-2' }]) {
      const refused = await call('CreatePaymentIntent', intentMessage(change));
      expect(refused.body).toMatchObject({
        code: 'resource_exhausted',
        message: expect.stringContaining('Redis is full') as string,
      });
    }
    // Before memory ended: Redis itself has refused nothing.
    expect(await service.metric('redis_command_errors_total{reason="out_of_memory"}')).toBe(0);
    const repeated = await call('CreatePaymentIntent', intentMessage({ ...key, webhook_url: receiver.url }));
    expect(repeated.body).toMatchObject({ payment_intent_id: known });
    const processed = await call('ProcessPayment', { payment_intent_id: known, idempotency_key: 'key-3' });
    expect(processed.body).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
    await receiver.waitFor(1);

    await empty(admin);
    await expect.poll(() => readiness(service)).toEqual({ status: 200, reason: undefined });
    await createPayment(call, { idempotency_key: 'key-2' });
    expect(service.logs('Redis is full: no new payments are taken')).toHaveLength(1);
    expect(service.logs('Redis has room again: new payments are taken')).toHaveLength(1);
  });

  test('settles and delivers what it has, also when not one more byte fits in', async () => {
    const { admin, call, receiver, createAndFillUp } = await startAlmostFull();
    const ids = await createAndFillUp(60);
    const webhooks = await receiver.waitFor(60);
    expect(new Set(webhooks.map(({ body }) => body['payment_id']))).toEqual(new Set(ids));
    for (const id of ids) {
      expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
    }
    expect(await usedBytes(admin)).toBeGreaterThan(0.98 * maxmemory);
  }, 60_000);

  test('keeps webhooks whose retry found no room until there is some', async () => {
    const { service, admin, receiver, answer, createAndFillUp } = await startAlmostFull();
    answer(503);
    // Fewer than open the circuit of the receiver.
    const ids = await createAndFillUp(4);
    await receiver.waitFor(4);
    await expect.poll(() => service.logs('Webhook queue failed').length).toBeGreaterThan(0);
    answer(200);
    const failed = receiver.received.length;
    await empty(admin);
    const delivered = () => new Set(receiver.received.slice(failed).map(({ body }) => body['payment_id']));
    await expect.poll(() => delivered().size, { timeout: 60_000 }).toBe(4);
    expect(delivered()).toEqual(new Set(ids));
    expect(service.logs('Webhook given up')).toEqual([]);
  }, 90_000);

  test('a replica that starts on it goes on with what is there', async () => {
    const { service, redis, receiver, createAndFillUp } = await startAlmostFull();
    const ids = await createAndFillUp(20);
    await service.app.stop();
    const heir = await startService({ REDIS_URL: redis.url });
    expect(await readiness(heir)).toMatchObject({
      status: 503,
      reason: expect.stringContaining('Redis is full') as string,
    });
    const webhooks = await receiver.waitFor(20);
    expect(new Set(webhooks.map(({ body }) => body['payment_id']))).toEqual(new Set(ids));
  }, 60_000);
});
