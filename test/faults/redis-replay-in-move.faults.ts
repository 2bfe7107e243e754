import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createShardTags } from '../../src/state/redis/shard-tags.ts';
import { isRecord } from '../redis/cluster-faults.ts';
import { moveSlot, slotOf } from '../redis/move-slot.ts';
import { type RedisClusterNode, startRedisCluster } from '../redis/start-redis-cluster.ts';
import { type ClusterReplica, startCluster } from '../support/cluster.ts';
import { missingRedis, requireRedisInCi } from '../support/redis-server.ts';
import { callSteadily } from '../support/steady-load.ts';
import { intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

/** Enough that every bucket has some. */
const perSecond = 200;
const seconds = 3;
/** The calls are repeated so much later, and would then be in buckets that others have filled before. */
const laterMs = 4_000;
const delayMs = 30_000;
const heldMs = 1_000;

/** @returns the id, of however many calls. @throws for an answer other than UNAVAILABLE. */
async function createUntilAnswered(replica: ClusterReplica, key: string, delay_ms: number): Promise<unknown> {
  for (;;) {
    const message = intentMessage({ idempotency_key: key, simulation: { delay_ms } });
    const { httpStatus, body } = await replica.call('CreatePaymentIntent', message);
    if (httpStatus === 200) {
      return body['payment_intent_id'];
    }
    expect(body['code']).toBe('unavailable');
    await delay(50);
  }
}

describe.skipIf(missingRedis !== undefined)('keys of calls that are repeated while their slot moves', () => {
  test('what has not arrived at the new master yet is not taken for unused', async () => {
    const redis = await startRedisCluster();
    const cluster = await startCluster(1, {
      env: { EVENTBRIDGE: 'off', REDIS_URL: redis.url, REDIS_CLUSTER: 'on', QUEUE_SHARDS: '1' },
    });
    const [replica] = cluster.replicas as [ClusterReplica];
    const startedAtMs = performance.now();
    const ids = new Map<string, unknown>();
    await callSteadily({ perSecond, seconds }, async (nth) => {
      const key = `key-${nth}`;
      ids.set(key, await createUntilAnswered(replica, key, delayMs));
      await createUntilAnswered(replica, `other-${nth}`, delayMs + laterMs);
    });
    const slot = await slotOf(redis.nodes[0] as RedisClusterNode, `{${createShardTags(1)[0]}}`);
    const sizes = redis.nodes.map(({ client }) => client.call('CLUSTER', 'COUNTKEYSINSLOT', slot));
    const owner = (await Promise.all(sizes)).findIndex((size) => Number(size) > 0);
    const [from, to] = [redis.nodes[owner], redis.nodes[(owner + 1) % 3]] as [
      RedisClusterNode,
      RedisClusterNode,
    ];
    let repeats: Promise<unknown[]> | undefined;
    const moved = moveSlot(
      { slot, from, to, masters: redis.nodes },
      {
        goesLast: isRecord,
        async beforeLast() {
          await delay(startedAtMs + laterMs + 500 - performance.now());
          repeats = Promise.all(
            [...ids].slice(0, 300).map(async ([key, id]) => {
              const again = await createUntilAnswered(replica, key, delayMs);
              return again === id ? undefined : { key, id, again };
            }),
          );
          repeats.catch(() => undefined);
          await delay(heldMs);
        },
      },
    );
    const failure = await moved.then(() => undefined, String);
    const second = ((await repeats) ?? []).filter((other) => other !== undefined);
    console.log(`repeated while the slot moves: ${second.length} second ids; the move: ${failure ?? 'well'}`);
    expect(second).toEqual([]);
    expect(failure).toBeUndefined();
  });
});
