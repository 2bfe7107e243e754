import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { type RunningService, startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment, getPayment, intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const password = 'hush-hush';

async function readiness({ opsUrl }: RunningService) {
  const [ready, live] = await Promise.all([fetch(`${opsUrl}/readyz`), fetch(`${opsUrl}/livez`)]);
  const { reason } = (await ready.json()) as { reason?: string };
  return { ready: ready.status, live: live.status, reason };
}

function start(redisUrl: string, env: Readonly<Record<string, string>> = {}): Promise<RunningService> {
  return startService({ REDIS_URL: redisUrl, SHUTDOWN_GRACE_MS: '500', ...env });
}

test('without Redis it starts, is not ready and refuses calls at once', async () => {
  const service = await start(`redis://user:${password}@127.0.0.1:1`);
  const call = createConnectCaller(service.apiUrl);
  expect(await readiness(service)).toMatchObject({ ready: 503, live: 200 });
  expect((await readiness(service)).reason).toContain('ECONNREFUSED');
  const created = await call('CreatePaymentIntent', intentMessage());
  expect(created).toMatchObject({ httpStatus: 503, body: { code: 'unavailable' } });
  expect(String(created.body['message'])).toContain('Redis cannot be used');
  expect(await getPayment(call, 'pay-1')).toBe('unavailable');
  const keyed = await call('CreatePaymentIntent', intentMessage({ idempotency_key: 'key-1' }));
  expect(keyed.body['code']).toBe('unavailable');
  expect(await service.metric('redis_up')).toBe(0);
  expect(await service.metric('redis_command_errors_total{reason="unreachable"}')).toBeGreaterThanOrEqual(3);
  expect(JSON.stringify(service.logs())).not.toContain(password);
});

describe.skipIf(missingRedis !== undefined)('with a Redis', () => {
  test('that wants another password it is not ready, and does not tell the one it has', async () => {
    const redis = await startRedisServer({ password: 'right' });
    const service = await start(`redis://:${password}@127.0.0.1:${redis.port}`);
    await expect.poll(() => readiness(service)).toMatchObject({ ready: 503, live: 200 });
    await expect.poll(async () => (await readiness(service)).reason).toMatch(/WRONGPASS|NOAUTH/);
    const call = createConnectCaller(service.apiUrl);
    expect((await call('CreatePaymentIntent', intentMessage())).body['code']).toBe('unavailable');
    const metrics = await (await fetch(`${service.opsUrl}/metrics`)).text();
    expect(JSON.stringify(service.logs()) + JSON.stringify(await readiness(service)) + metrics).not.toContain(
      password,
    );
  });

  test('that has a password it works', async () => {
    const redis = await startRedisServer({ password: 'p@ss/word' });
    const service = await start(`redis://:${encodeURIComponent('p@ss/word')}@127.0.0.1:${redis.port}`);
    expect(await readiness(service)).toMatchObject({ ready: 200 });
    await createPayment(createConnectCaller(service.apiUrl));
  });

  test('that comes late it becomes ready', async () => {
    const redis = await startRedisServer();
    await redis.kill();
    const service = await start(redis.url);
    expect(await readiness(service)).toMatchObject({ ready: 503 });
    await redis.restart();
    await expect.poll(() => readiness(service), { timeout: 20_000 }).toMatchObject({ ready: 200 });
    await createPayment(createConnectCaller(service.apiUrl));
  });

  test('that is killed and comes back it goes on, and has lost nothing', async () => {
    const receiver = await startWebhookReceiver();
    const redis = await startRedisServer({ appendOnly: 'always' });
    const service = await start(redis.url, { DEFAULT_DELAY_MS: '300' });
    const call = createConnectCaller(service.apiUrl);
    const ids = await Promise.all(
      Array.from({ length: 50 }, () => createPayment(call, { webhook_url: receiver.url })),
    );
    await redis.kill();
    await expect.poll(() => readiness(service)).toMatchObject({ ready: 503, live: 200 });
    expect(await call('CreatePaymentIntent', intentMessage())).toMatchObject({ httpStatus: 503 });
    await redis.restart();
    await expect.poll(() => readiness(service), { timeout: 20_000 }).toMatchObject({ ready: 200 });
    await expect
      .poll(() => new Set(receiver.received.map(({ body }) => body['payment_id'])).size, { timeout: 20_000 })
      .toBe(50);
    for (const id of ids) {
      expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
    }
    await createPayment(call);
  });

  test('that does not answer calls fail, the later ones at once, and it goes on afterwards', async () => {
    const redis = await startRedisServer();
    const service = await start(redis.url, { DEFAULT_DELAY_MS: '60000' });
    const call = createConnectCaller(service.apiUrl);
    const before = await createPayment(call);
    redis.pause();
    try {
      const first = await call('CreatePaymentIntent', intentMessage({ idempotency_key: 'key-1' }));
      expect(first.body['code']).toBe('unavailable');
      expect(await readiness(service)).toMatchObject({ ready: 503, live: 200 });
      const statuses = await Promise.all(Array.from({ length: 20 }, () => getPayment(call, before)));
      expect(new Set(statuses)).toEqual(new Set(['unavailable']));
      // Not asked, as it is known not to answer: only the first call waited, and what looks whether it is back.
      expect(await service.metric('redis_command_errors_total{reason="unreachable"}')).toBeGreaterThanOrEqual(
        20,
      );
      expect(await service.metric('redis_command_errors_total{reason="timeout"}')).toBeLessThanOrEqual(3);
    } finally {
      redis.resume();
    }
    await expect.poll(() => readiness(service), { timeout: 20_000 }).toMatchObject({ ready: 200 });
    expect(await getPayment(call, before)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
  });

  test('that takes no writes any more, as after a failover, it is not ready, connects anew and goes on', async () => {
    const receiver = await startWebhookReceiver();
    const [redis, other] = [await startRedisServer(), await startRedisServer()];
    const service = await start(redis.url);
    const call = createConnectCaller(service.apiUrl);
    const admin = new Redis(redis.url);
    onTestFinished(() => admin.disconnect());
    const connections = async () =>
      String(await admin.client('LIST'))
        .split('\n')
        .filter((line) => line.includes('name=payment-sim-calls'))
        .map((line) => /^id=(\d+)/.exec(line)?.[1]);
    const [first] = await connections();
    expect(first).toBeDefined();

    await admin.replicaof('127.0.0.1', other.port);
    await expect.poll(() => readiness(service), { timeout: 20_000 }).toMatchObject({ ready: 503, live: 200 });
    await expect
      .poll(async () => (await readiness(service)).reason, { timeout: 20_000 })
      .toContain('READONLY');
    expect((await call('CreatePaymentIntent', intentMessage())).body['code']).toBe('unavailable');
    await expect.poll(connections, { timeout: 20_000 }).not.toContain(first);
    await admin.replicaof('NO', 'ONE');
    await expect.poll(() => readiness(service), { timeout: 20_000 }).toMatchObject({ ready: 200 });
    await createPayment(call, { webhook_url: receiver.url, simulation: { delay_ms: 0 } });
    await receiver.waitFor(1);
  });

  test('that has forgotten all scripts it goes on', async () => {
    const redis = await startRedisServer();
    const service = await start(redis.url, { DEFAULT_DELAY_MS: '100' });
    const call = createConnectCaller(service.apiUrl);
    await createPayment(call);
    const client = new Redis(redis.url);
    await client.script('FLUSH');
    client.disconnect();
    await expect
      .poll(async () => (await call('CreatePaymentIntent', intentMessage())).httpStatus, { timeout: 20_000 })
      .toBe(200);
    const id = await createPayment(call, { idempotency_key: 'key-1' });
    await expect.poll(() => getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
  });

  test('that may throw data away, or keeps none, the start warns', async () => {
    const redis = await startRedisServer({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    const service = await start(redis.url);
    const warnings = service
      .logs()
      .filter((line) => line['level'] === 'warn')
      .map((line) => String(line['msg']));
    expect(warnings.some((message) => message.includes('noeviction'))).toBe(true);
    expect(warnings.some((message) => message.includes('appendonly'))).toBe(true);
  });
});
