import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createShardTags } from '../../src/state/redis/shard-tags.ts';
import { isRecord } from '../redis/cluster-faults.ts';
import { type MoveOptions, moveSlot, slotOf } from '../redis/move-slot.ts';
import { type RedisCluster, type RedisClusterNode, startRedisCluster } from '../redis/start-redis-cluster.ts';
import { startCluster } from '../support/cluster.ts';
import { checkOnePerKey, idsOf, mixedPayments, startKeyedLoad } from '../support/keyed-load.ts';
import { startOutcomes } from '../support/outcomes.ts';
import { missingRedis, requireRedisInCi } from '../support/redis-server.ts';
import { checkNothingPending, checkSettledOnce } from '../support/settled-once.ts';

requireRedisInCi();

const perSecond = 150;
const shards = 12;
const longestDelayMs = 4_000;
/** Before the move, and after it, in milliseconds. */
const loadMs = 4_000;

interface Moved {
  readonly slots: number;
  readonly keys: number;
  readonly tookMs: number;
}

/** Everything of the shards that the first master has, to the last one: payments, jobs and keys. */
async function moveShards({ nodes }: RedisCluster, options: MoveOptions, rounds: number): Promise<Moved> {
  const [first, , last] = nodes as [RedisClusterNode, RedisClusterNode, RedisClusterNode];
  const slots = await Promise.all(createShardTags(shards).map((tag) => slotOf(first, `{${tag}}`)));
  const own = slots.slice(0, shards / nodes.length);
  const startedAtMs = performance.now();
  let keys = 0;
  for (let round = 0; round < rounds; round += 1) {
    const [from, to] = round % 2 === 0 ? [first, last] : [last, first];
    for (const slot of own) {
      keys += await moveSlot({ slot, from, to, masters: nodes }, options);
    }
  }
  return { slots: own.length * rounds, keys, tookMs: Math.round(performance.now() - startedAtMs) };
}

describe.skipIf(missingRedis !== undefined)(
  'a Redis cluster of three masters, one of which gives its shards away',
  () => {
    test.each<{ name: string; move: MoveOptions; rounds: number }>([
      { name: 'as redis-cli does', move: {}, rounds: 3 },
      { name: 'slowly', move: { restMs: 4 }, rounds: 1 },
      {
        name: 'payments and keys last',
        move: { goesLast: isRecord, beforeLast: () => delay(300) },
        rounds: 1,
      },
      {
        name: 'payments and keys first',
        move: { goesLast: (key) => !isRecord(key), beforeLast: () => delay(300) },
        rounds: 1,
      },
    ])('under load, $name: nothing is lost, each key has one payment', async ({ name, move, rounds }) => {
      const [redis, outcomes] = await Promise.all([startRedisCluster(), startOutcomes()]);
      const cluster = await startCluster(2, {
        env: { ...outcomes.env, REDIS_URL: redis.url, REDIS_CLUSTER: 'on', QUEUE_SHARDS: String(shards) },
      });
      const options = { perSecond, message: mixedPayments(outcomes, longestDelayMs) };
      const load = startKeyedLoad(cluster, options);
      await delay(loadMs);
      const moved = await moveShards(redis, move, rounds);
      await delay(loadMs);
      await load.stop();
      const ids = idsOf(load);
      const lost = await outcomes.whenComplete(ids, 15_000).catch(String);
      console.log(
        `${name}: ${moved.slots} slots with ${moved.keys} keys moved in ${moved.tookMs} ms; ${ids.length} creates, ` +
          `${load.repeated()} calls repeated, the longest create took ${load.longestMs()} ms; delivered again: ` +
          JSON.stringify(outcomes.countDuplicates()),
      );
      expect(lost).toBeUndefined();
      await checkSettledOnce(cluster, outcomes, ids);
      await checkOnePerKey(cluster, load, options, outcomes);
      await checkNothingPending(cluster);
    });
  },
);
