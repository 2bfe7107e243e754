import { describe, expect, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { runSteeredCases } from '../support/steered-cases.ts';

requireRedisInCi();

describe.skipIf(missingRedis !== undefined)('two replicas that are steered', () => {
  test('200 test cases at the same time have each their own, whichever replica is asked', async () => {
    const redis = await startRedisServer();
    const env = {
      REDIS_URL: redis.url,
      QUEUE_SHARDS: '2',
      SHUTDOWN_GRACE_MS: '0',
      DEFAULT_DELAY_MS: '86400000',
    };
    const [a, b] = [await startService(env), await startService(env)];
    await runSteeredCases([a.apiUrl, b.apiUrl], 200);
    expect([...a.logs('Call failed'), ...b.logs('Call failed')]).toEqual([]);
  });
});
