import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { type RunningService, startService } from '../support/start-service.ts';
import { createConnectCaller, createPayment, intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const evicting =
  'Redis may throw payments and schedules away when its memory is full: set maxmemory-policy to noeviction';
const evicted = 'Redis has evicted keys: payments, schedules or webhooks may be lost';

async function startEvictingRedis(policy: string) {
  const redis = await startRedisServer({ args: ['--maxmemory', '16mb', '--maxmemory-policy', policy] });
  const admin = new Redis(redis.url);
  onTestFinished(() => admin.disconnect());
  return { redis, admin };
}

async function readiness({ opsUrl }: RunningService) {
  const response = await fetch(`${opsUrl}/readyz`);
  const { reason } = (await response.json()) as { reason?: string };
  return { status: response.status, reason };
}

describe.skipIf(missingRedis !== undefined)('a Redis that evicts keys', () => {
  test.each(['allkeys-lru', 'volatile-ttl'])(
    'by %s is not used for new payments in production, until it no longer does',
    async (policy) => {
      const { redis, admin } = await startEvictingRedis(policy);
      const service = await startService({
        REDIS_URL: redis.url,
        ENVIRONMENT: 'production',
        WEBHOOK_SECRET: 'a-secret-of-its-own',
      });
      expect(await readiness(service)).toEqual({
        status: 503,
        reason: `Redis may throw payments away: its maxmemory-policy is ${policy}, and must be noeviction in production`,
      });
      const call = createConnectCaller(service.apiUrl);
      const refused = await call('CreatePaymentIntent', intentMessage());
      expect(refused.body).toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('maxmemory-policy') as string,
      });
      expect(service.logs(evicting)).toMatchObject([{ level: 'error', maxmemory_policy: policy }]);
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      await expect.poll(() => readiness(service)).toMatchObject({ status: 200 });
      await createPayment(call);
    },
  );

  test('is warned of in development, once, and what it has evicted is told and counted', async () => {
    const { redis, admin } = await startEvictingRedis('allkeys-lru');
    const service = await startService({ REDIS_URL: redis.url });
    expect(await readiness(service)).toMatchObject({ status: 200 });
    expect(await service.metric('redis_evicted_keys_total')).toBe(0);
    const evictedKeys = async () => Number(/evicted_keys:(\d+)/.exec(await admin.info('stats'))?.[1]);
    for (let nth = 0; (await evictedKeys()) === 0; nth += 1) {
      await admin.set(`of somebody else ${nth}`, 'x'.repeat(200_000));
    }
    await expect.poll(() => service.logs(evicted)).toHaveLength(1);
    const total = await evictedKeys();
    await expect.poll(() => service.metric('redis_evicted_keys_total')).toBe(total);
    expect(service.logs(evicted)).toMatchObject([{ level: 'error', maxmemory_policy: 'allkeys-lru' }]);
    expect(service.logs(evicting)).toMatchObject([{ level: 'warn' }]);
  });

  test('is found out also where its user may not call CONFIG', async () => {
    const { redis, admin } = await startEvictingRedis('allkeys-lru');
    await admin.call('ACL', 'SETUSER', 'sim', 'on', '>pw', '~*', '&*', '+@all', '-config');
    const service = await startService({ REDIS_URL: redis.url.replace('redis://', 'redis://sim:pw@') });
    expect(await readiness(service)).toMatchObject({ status: 200 });
    expect(service.logs(evicting)).toHaveLength(1);
  });
});
