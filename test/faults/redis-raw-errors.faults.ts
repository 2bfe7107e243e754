import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { paymentKey } from '../../src/state/redis/redis-keys.ts';
import { shardPrefix } from '../../src/state/redis/shard-numbers.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { createConnectCaller, createPayment, getPayment, intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

/** What no caller may read: codes and words of Redis, its scripts and our keys. */
const raw = /WRONGTYPE|NOSCRIPT|MISCONF|LOADING|READONLY|NOPERM|MOVED|ERR |script|user_script|payment-sim:/i;

function later(hours: number) {
  return { simulation: { delay_ms: hours * 3_600_000 } };
}

async function startOnRedis() {
  const redis = await startRedisServer();
  const service = await startService({ REDIS_URL: redis.url, DEFAULT_DELAY_MS: '600000' });
  const admin = new Redis(redis.url);
  onTestFinished(() => admin.disconnect());
  return { redis, service, admin, call: createConnectCaller(service.apiUrl) };
}

describe.skipIf(missingRedis !== undefined)('an error of Redis', () => {
  test('that nobody expects is INTERNAL for the caller, and whole in the log', async () => {
    const { service, admin, call } = await startOnRedis();
    const id = await createPayment(call);
    const delayed = `${shardPrefix(0)}:settlements:delayed`;
    await admin.del(delayed);
    await admin.set(delayed, 'not a sorted set');
    // Each in a bucket whose job is not there yet.
    for (const change of [later(1), { ...later(2), idempotency_key: 'key-1' }]) {
      const created = await call('CreatePaymentIntent', intentMessage(change));
      expect(created).toMatchObject({
        httpStatus: 500,
        body: { code: 'internal', message: 'internal error' },
      });
    }
    // Its job cannot be made due, so its event would go out when it was due before: nothing is settled.
    const processed = await call('ProcessPayment', { payment_intent_id: id });
    expect(processed).toMatchObject({ httpStatus: 500, body: { message: 'internal error' } });
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
    const failures = service.logs('Call failed').map((line) => JSON.stringify(line['err']));
    expect(failures).toHaveLength(3);
    expect(failures.filter((failure) => !failure.includes('WRONGTYPE'))).toEqual([]);
    expect(service.logs('Call failed').filter((line) => JSON.stringify(line).includes('args'))).toEqual([]);
  });

  test('in reading a payment or a key is INTERNAL as well', async () => {
    const { admin, call } = await startOnRedis();
    const message = intentMessage({ idempotency_key: 'key-1' });
    const created = await call('CreatePaymentIntent', message);
    const [key = ''] = await admin.keys('*:key:*');
    await admin.del(key);
    await admin.hset(key, 'not', 'a string');
    const repeated = await call('CreatePaymentIntent', message);
    expect(repeated.body).toEqual({ code: 'internal', message: 'internal error' });
    // MGET passes over what is no string: no payment.
    const id = String(created.body['payment_intent_id']);
    const stored = paymentKey(id, 0);
    await admin.del(stored);
    await admin.hset(stored, 'not', 'a string');
    expect(await getPayment(call, id)).toBe('not_found');
  });

  test('that may pass is UNAVAILABLE in our words, and one line in its own', async () => {
    const { redis, service, admin, call } = await startOnRedis();
    await admin.call('ACL', 'SETUSER', 'default', '-eval', '-evalsha');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call('CreatePaymentIntent', intentMessage())),
    );
    for (const { httpStatus, body } of answers) {
      expect(httpStatus).toBe(503);
      expect(body['message']).toContain('it does not permit this service all that it needs; try again');
      expect(body['message']).not.toMatch(raw);
    }
    const lines = service.logs('Redis refused a command');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 'warn', error: expect.stringContaining('NOPERM') as string });
    await admin.call('ACL', 'SETUSER', 'default', '+@all');
    // The client took the script for known, and connects anew.
    await expect.poll(async () => (await call('CreatePaymentIntent', intentMessage())).httpStatus).toBe(200);
    await redis.kill();
    const gone = await call('CreatePaymentIntent', intentMessage());
    expect(gone.body['message']).toContain('Redis cannot be used: it cannot be reached; try again');
  });
});
