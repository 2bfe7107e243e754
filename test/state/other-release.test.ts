import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { shardPrefix } from '../../src/state/redis/shard-numbers.ts';
import { startService } from '../support/start-service.ts';
import {
  launchRedisServer,
  missingRedis,
  requireRedisInCi,
  type RedisServer,
} from '../support/redis-server.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';

/* Records and jobs of other releases: 0.1's are read, and what is not known is left alone. */

requireRedisInCi();

let redis: RedisServer;
let nextDatabase = 0;

/** A service on a database of its own, and a connection to that. */
async function startOnRedis() {
  nextDatabase += 1;
  const url = `${redis.url}/${nextDatabase}`;
  const service = await startService({ REDIS_URL: url, EVENTBRIDGE: 'off', DEFAULT_DELAY_MS: '60000' });
  const client = new Redis(url);
  onTestFinished(() => client.disconnect());
  return { service, client, call: createConnectCaller(service.apiUrl, 2) };
}

const prefix = shardPrefix(0);

/** The keys of a queue's jobs. */
async function jobsOf(client: Redis, queue: string): Promise<string[]> {
  const keys = await client.keys(`${prefix}:${queue}:*`);
  return keys.filter((key) => /:(evt|pay)-[^:]*$/.test(key));
}

describe.skipIf(missingRedis !== undefined)('with a Redis', () => {
  beforeAll(async () => {
    redis = await launchRedisServer();
  });
  afterAll(() => redis.stop());

  test('a payment of an unknown form is answered clearly, left alone, and fills no log', async () => {
    const { service, client, call } = await startOnRedis();
    const id = await createPayment(call, { simulation: { delay_ms: 500 } });
    const key = `${prefix}:payment:${id}`;
    const record = `P9${(await client.get(key))?.slice(2)}`;
    await client.set(key, record);
    for (const method of ['GetPaymentStatus', 'ProcessPayment']) {
      const answer = await call(method, { payment_intent_id: id });
      expect(answer.httpStatus).toBe(503);
      expect(answer.body).toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('was stored by another release of Payment Sim') as string,
      });
    }
    // Its job comes back without a word until somebody knows the form.
    const told = () => service.logs('A job of another release is left to it');
    await expect.poll(() => told().length).toBe(1);
    const [job = ''] = await client.keys(`${prefix}:settlements:b*`);
    const attempts = async () => Number(await client.hget(job, 'atm'));
    await expect.poll(attempts).toBeGreaterThanOrEqual(2);
    expect(told()).toHaveLength(1);
    expect(service.logs('Settlement failed')).toEqual([]);
    expect(service.logs('A job failed, to be tried again')).toEqual([]);
    expect(await client.get(key)).toBe(record);
    // A replica that knows it goes on with it.
    await client.set(key, record.replace('P9', 'P3'));
    await expect
      .poll(async () => (await call('GetPaymentStatus', { payment_intent_id: id })).body, { timeout: 20_000 })
      .toMatchObject({ payment: { status: 'PAYMENT_STATUS_COMPLETED' } });
  });

  test('a job of an unknown form is left alone, and one of 0.1 is done', async () => {
    const { service, client, call } = await startOnRedis();
    const receiver = await startWebhookReceiver();
    // A retry of a webhook as 0.1 leaves it: in the queue, taken from a job of ours.
    const old = {
      event: {
        eventId: 'evt-of-0.1',
        paymentId: 'pay-of-0.1',
        reservationId: 'reservation-1',
        userId: 'user-1',
        status: 'COMPLETED',
        amount: 120_000,
        currency: 'KRW',
      },
      url: receiver.url,
      attempts: 1,
      createdAtMs: Date.now(),
      lastAttemptAtMs: Date.now(),
    };
    const failing = await startWebhookReceiver((response) => response.writeHead(503).end());
    for (const data of [old, { ...old, form: 9 }]) {
      const id = await createPayment(call, { webhook_url: failing.url });
      await call('ProcessPayment', { payment_intent_id: id });
      await expect.poll(() => jobsOf(client, 'webhook-retries')).not.toEqual([]);
      const [job = ''] = await jobsOf(client, 'webhook-retries');
      await client.hset(job, 'data', JSON.stringify(data));
      if (data === old) {
        await receiver.waitFor(1);
        expect(receiver.received[0]?.body).toMatchObject({
          payment_id: 'pay-of-0.1',
          event_id: 'evt-of-0.1',
          event_type: 'payment.status_updated',
        });
        await expect.poll(() => jobsOf(client, 'webhook-retries')).toEqual([]);
      } else {
        const told = () => service.logs('A job of another release is left to it');
        await expect.poll(() => told().length).toBe(1);
        await expect.poll(async () => Number(await client.hget(job, 'atm'))).toBeGreaterThanOrEqual(2);
        expect(told()).toHaveLength(1);
        expect(await jobsOf(client, 'webhook-retries')).toEqual([job]);
      }
    }
    expect(receiver.received).toHaveLength(1);
    expect(service.logs('A job failed, to be tried again')).toEqual([]);
  });
});
