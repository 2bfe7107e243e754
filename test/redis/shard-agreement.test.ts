import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { type RunningService, startService } from '../support/start-service.ts';
import { createConnectCaller, createPayment, getPayment, intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const marker = 'payment-sim:queue-shards';

/** A replica with two shards. */
async function startReplica() {
  const redis = await startRedisServer();
  const start = (shards: number) =>
    startService({ REDIS_URL: redis.url, QUEUE_SHARDS: String(shards), SHUTDOWN_GRACE_MS: '500' });
  const service = await start(2);
  const admin = new Redis(redis.url);
  onTestFinished(() => admin.disconnect());
  return { start, service, admin, call: createConnectCaller(service.apiUrl) };
}

async function readiness({ opsUrl }: RunningService) {
  const response = await fetch(`${opsUrl}/readyz`);
  const { reason } = (await response.json()) as { reason?: string };
  return { status: response.status, reason };
}

describe.skipIf(missingRedis !== undefined)('replicas', () => {
  test('with fewer shards do not start, and say what to do', async () => {
    const { start } = await startReplica();
    await expect(start(1)).rejects.toThrow(
      `QUEUE_SHARDS is 1 here, but the payments in this Redis are spread over 2; there may be more shards at any time, but not fewer (for fewer, let all payments settle, stop all replicas and delete the key ${marker})`,
    );
  });

  test.each([
    ['0.1', '2'],
    ['before buckets', '2:2'],
  ])('do not start on the payments of a release with other keys, %s, and say what to do', async (_, left) => {
    const redis = await startRedisServer();
    const admin = new Redis(redis.url);
    onTestFinished(() => admin.disconnect());
    await admin.set(marker, left);
    await expect(startService({ REDIS_URL: redis.url, QUEUE_SHARDS: '2' })).rejects.toThrow(
      `are of another release, which keeps them under other keys (${marker} is "${left}", not "3:2"); use a replica of that release, or let all payments settle, stop all replicas and delete the key ${marker}`,
    );
    expect(await admin.get(marker)).toBe(left);
  });

  test('with another number of shards, which came first after Redis lost its data, keep the others from being ready', async () => {
    const { start, service, admin, call } = await startReplica();
    expect(await readiness(service)).toMatchObject({ status: 200 });
    await admin.multi().flushall().set(marker, '3:3').exec();
    const other = await start(3);
    const id = await createPayment(createConnectCaller(other.apiUrl));
    await expect
      .poll(() => readiness(service))
      .toEqual({
        status: 503,
        reason: expect.stringMatching(/^QUEUE_SHARDS is 2 here, .* are spread over 3;/) as string,
      });
    // Not NOT_FOUND.
    expect(await getPayment(call, id)).toBe('unavailable');
    const refused = await call('CreatePaymentIntent', intentMessage());
    expect(refused.body['message']).toContain('Redis cannot be used: it is not fit for this replica');
    expect(service.logs('Redis cannot be used')).toHaveLength(1);
    expect(await readiness(other)).toMatchObject({ status: 200 });
    // As soon as they agree again it goes on by itself.
    await other.app.stop();
    await admin.del(marker);
    await expect.poll(() => readiness(service)).toMatchObject({ status: 200 });
    await createPayment(call);
  });

  test('say that Redis has lost its data, and agree anew', async () => {
    const { service, admin } = await startReplica();
    await admin.flushall();
    const lost = 'Redis has lost its data: payments, schedules and keys that were there are gone';
    await expect.poll(() => service.logs(lost)).toHaveLength(1);
    expect(await admin.get(marker)).toBe('3:2');
    expect(await readiness(service)).toMatchObject({ status: 200 });
  });
});
