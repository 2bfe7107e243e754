import { describe, expect, test } from 'vitest';
import { startDistantServer } from '../support/distant-server.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';

requireRedisInCi();

describe.skipIf(missingRedis !== undefined)('a Redis at a distance', () => {
  test(
    'as many payments as may be under way, due at once: no job is left behind, and none done twice',
    { timeout: 60_000 },
    async () => {
      // One fetch per round trip would take 15 s for them, and a lock lasts for 6 s.
      const count = 300;
      const [redis, receiver] = await Promise.all([startRedisServer(), startWebhookReceiver()]);
      const distant = await startDistantServer(redis.port, 0);
      const service = await startService({
        REDIS_URL: `redis://127.0.0.1:${distant.port}`,
        EVENTBRIDGE: 'off',
        SHUTDOWN_GRACE_MS: '1000',
      });
      distant.roundTripMs = 50;
      const call = createConnectCaller(service.apiUrl);
      const message = { webhook_url: receiver.url, simulation: { delay_ms: 1_000 } };
      const ids = await Promise.all(Array.from({ length: count }, () => createPayment(call, message)));
      const webhooks = await receiver.waitFor(count);
      await expect.poll(() => service.metric('payment_stored{state="pending"}'), { timeout: 30_000 }).toBe(0);
      expect(new Set(webhooks.map(({ body }) => body['payment_id']))).toEqual(new Set(ids));
      expect(receiver.received).toHaveLength(count);
      expect(service.logs('A job was left by a process, and is done again')).toEqual([]);
    },
  );
});
