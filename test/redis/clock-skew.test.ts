import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';

requireRedisInCi();

const differ =
  'The clocks of Redis and of this machine differ: payments settle as much too early or too late; set both by NTP';

describe.skipIf(missingRedis !== undefined)('a machine whose clock differs from that of Redis', () => {
  test('is told of, once, until both agree', async () => {
    const redis = await startRedisServer();
    let behindMs = 5_000;
    const clock = { ...systemClock, now: () => systemClock.now() - behindMs };
    const service = await startService({ REDIS_URL: redis.url }, { machine: clock });
    await expect.poll(() => service.logs(differ)).toHaveLength(1);
    expect(service.logs(differ)[0]?.['redis_ahead_ms']).toBeGreaterThan(4_000);
    expect(await service.metric('redis_clock_skew_seconds')).toBeGreaterThan(4);
    behindMs = 0;
    await expect
      .poll(() => service.logs('The clocks of Redis and of this machine agree again'), { timeout: 5_000 })
      .toHaveLength(1);
    expect(Math.abs((await service.metric('redis_clock_skew_seconds')) ?? 99)).toBeLessThan(1);
    expect(service.logs(differ)).toHaveLength(1);
  });
});
