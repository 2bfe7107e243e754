import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { PaymentFilter } from '../../src/payment/page.ts';
import { defineScripts } from '../../src/state/redis/redis-scripts.ts';
import { removeFromIndex } from '../../src/state/redis/removal.ts';
import { shardsOf } from '../../src/state/redis/shard-numbers.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { openRedisState } from '../support/redis-state.ts';
import { startRecording } from '../state/recorded-payments.ts';

requireRedisInCi();

/** Removes payments of another process, which does something after the first payments were read. */
async function startRemoving(afterRead: (payments: Recording['payments']) => Promise<unknown>) {
  const redis = await startRedisServer();
  const state = await openRedisState(redis.url);
  onTestFinished(() => state.close());
  const recording = await startRecording(async () => ({
    port: state.payments,
    now: () => Date.now(),
    passTime: () => Promise.resolve(),
    outlivesProcess: true,
  }));
  const client = new Redis(redis.url);
  onTestFinished(() => client.disconnect());
  defineScripts(client);
  const remove = (filter: PaymentFilter) =>
    removeFromIndex(
      {
        client: Object.assign(Object.create(client) as Redis, {
          async mget(keys: string[]) {
            const records = await client.mget(keys);
            if (records.some((record) => record !== null)) {
              await afterRead(recording.payments);
            }
            return records;
          },
        }),
        link: {
          run: (command) => command(),
          problem: () => undefined,
          open: () => Promise.resolve(),
          close: () => undefined,
        },
        shards: { all: () => shardsOf(3) },
        indexed: true,
      },
      filter,
    );
  return { ...recording, remove };
}

type Recording = Awaited<ReturnType<typeof startRecording>>;

describe.skipIf(missingRedis !== undefined)('the removal of payments, in Redis', () => {
  test('leaves one that fits no longer', async () => {
    const { payments, register, remove, ids } = await startRemoving((all) => all.hasten('pay-1'));
    await register();
    expect(await remove({ status: 'PENDING' })).toBe(0);
    expect(await payments.get('pay-1')).toMatchObject({ status: 'COMPLETED' });
    await expect.poll(ids).toEqual(['pay-1']);
  });

  test('looks again at one that was changed', async () => {
    const { payments, register, remove } = await startRemoving((all) => all.hasten('pay-1'));
    await register();
    expect(await remove({ userId: 'user-1' })).toBe(1);
    expect(await payments.get('pay-1')).toBeUndefined();
  });

  test('does not count one that somebody else has removed', async () => {
    const { register, remove } = await startRemoving((all) => all.remove({}));
    await register();
    expect(await remove({})).toBe(0);
  });
});
