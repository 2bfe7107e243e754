import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { startRedisCluster } from '../redis/start-redis-cluster.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import {
  checkOnePerKey,
  idsOf,
  type KeyedLoad,
  mixedPayments,
  startKeyedLoad,
} from '../support/keyed-load.ts';
import { startOutcomes } from '../support/outcomes.ts';
import { missingRedis, requireRedisInCi } from '../support/redis-server.ts';
import { checkNothingPending, checkSettledOnce } from '../support/settled-once.ts';

requireRedisInCi();

/** Of each of two loads. */
const perSecond = 75;
const longestDelayMs = 4_000;
const loadMs = 2_500;

/** The same replicas, beginning with another one. */
function turned({ replicas, ...cluster }: Cluster): Cluster {
  return { ...cluster, replicas: replicas.toReversed() };
}

/** Keys for which two callers have been given different ids. */
function differing(one: KeyedLoad, other: KeyedLoad): unknown[] {
  return [...one.ids].filter(([key, ids]) => {
    const both = new Set([...ids, ...(other.ids.get(key) ?? [])]);
    return both.size > 1;
  });
}

describe.skipIf(missingRedis !== undefined)('a Redis cluster of three masters with 12 shards', () => {
  test('12 and then 24 are added under load, while a replica stands still and others are restarted: nothing is lost, each key has one payment', async () => {
    const [redis, outcomes] = await Promise.all([startRedisCluster(), startOutcomes()]);
    const env = { ...outcomes.env, REDIS_URL: redis.url, REDIS_CLUSTER: 'on' };
    const withShards = (shards: number) => ({ ...env, QUEUE_SHARDS: String(shards) });
    const cluster = await startCluster(3, { env: withShards(12) });
    const options = { perSecond, message: mixedPayments(outcomes, longestDelayMs), isKilled: true };
    // Two callers with the same keys, each at another replica at the same time.
    const loads = [startKeyedLoad(cluster, options), startKeyedLoad(turned(cluster), options)] as const;
    const [still, , changed] = cluster.replicas;
    await delay(loadMs);
    still?.signal('SIGSTOP');
    await changed?.kill();
    await changed?.restart(withShards(24));
    await delay(1_500);
    still?.signal('SIGCONT');
    await delay(loadMs);
    await changed?.kill();
    await changed?.restart(withShards(48));
    await delay(loadMs);
    // One that still has the first number follows.
    await still?.kill();
    await still?.restart();
    await delay(loadMs);
    await Promise.all(loads.map((load) => load.stop()));
    const ids = idsOf(loads[0]);
    const lost = await outcomes.whenComplete(ids, 20_000).catch(String);
    const spreads = Map.groupBy(ids, (id) => (Number.parseInt(id.slice(-3), 16) >> 6) + 1);
    console.log(
      `${ids.length} keys: ${[...spreads].map(([count, some]) => `${some.length} of ${count} shards`).join(', ')}; ` +
        `${loads.map((load) => load.repeated()).join(' and ')} calls repeated; delivered again: ` +
        JSON.stringify(outcomes.countDuplicates()),
    );
    expect(lost).toBeUndefined();
    expect([...spreads.keys()].toSorted((a, b) => a - b)).toEqual([12, 24, 48]);
    expect(differing(...loads)).toEqual([]);
    await checkSettledOnce(cluster, outcomes, ids);
    await checkOnePerKey(cluster, loads[0], options, outcomes);
    await checkNothingPending(cluster);
  });
});
