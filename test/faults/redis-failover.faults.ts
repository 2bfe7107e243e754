import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { killCaughtUp, whenPromoted } from '../redis/cluster-faults.ts';
import { startRedisCluster } from '../redis/start-redis-cluster.ts';
import { startCluster } from '../support/cluster.ts';
import { checkOnePerKey, idsOf, mixedPayments, startKeyedLoad } from '../support/keyed-load.ts';
import { type Outcomes, startOutcomes } from '../support/outcomes.ts';
import { missingRedis, requireRedisInCi } from '../support/redis-server.ts';
import { checkNothingPending, checkSettledOnce } from '../support/settled-once.ts';

requireRedisInCi();

const perSecond = 150;
const longestDelayMs = 6_000;
/** Before the kill, and after the promotion, in milliseconds. */
const loadMs = 5_000;
/** From the promotion on what was under way may be told again: locks last 6 s, and who looks for them comes each 2 s. */
const takeoverMs = 12_000;
const inTime = { timeout: 15_000, interval: 20 };

/** When deliveries came that had come before, in milliseconds since the epoch. */
function noteRepeats(outcomes: Outcomes): number[] {
  const [seen, repeatsAtMs] = [new Set<string>(), [] as number[]];
  outcomes.answer = ({ channel, eventId }) => {
    const mark = `${channel} ${eventId}`;
    if (seen.has(mark)) {
      repeatsAtMs.push(Date.now());
    }
    seen.add(mark);
    return 'take';
  };
  return repeatsAtMs;
}

describe.skipIf(missingRedis !== undefined)('a Redis cluster of three masters with a replica each', () => {
  test('a master is killed under load and its replica promoted: nothing is lost, each key has one payment', async () => {
    const [redis, outcomes] = await Promise.all([
      startRedisCluster({ replicas: true, nodeTimeoutMs: 1_000 }),
      startOutcomes(),
    ]);
    const repeatsAtMs = noteRepeats(outcomes);
    const cluster = await startCluster(2, {
      env: { ...outcomes.env, REDIS_URL: redis.url, REDIS_CLUSTER: 'on', QUEUE_SHARDS: '12' },
    });
    const options = { perSecond, message: mixedPayments(outcomes, longestDelayMs) };
    const load = startKeyedLoad(cluster, options);
    await delay(loadMs);
    const victim = 1;
    const master = redis.nodes[victim];
    await killCaughtUp(redis, victim);
    const killedAtMs = Date.now();
    await whenPromoted(redis, victim);
    const promotedAtMs = Date.now();
    await delay(loadMs);
    // It comes back, and follows the one that took its place.
    await master?.server.restart();
    await expect.poll(() => master?.client.role(), inTime).toContain('slave');
    await load.stop();
    const ids = idsOf(load);
    await outcomes.whenComplete(ids, 20_000);
    await outcomes.whenComplete(outcomes.received.keys(), 5_000);
    console.log(
      `${ids.length} creates, ${load.repeated()} calls repeated, the longest create took ${load.longestMs()} ms; ` +
        `promoted after ${promotedAtMs - killedAtMs} ms; none lost; delivered again: ` +
        `${JSON.stringify(outcomes.countDuplicates())}, so many ms after the kill: ` +
        JSON.stringify(repeatsAtMs.map((atMs) => atMs - killedAtMs)),
    );
    await checkSettledOnce(cluster, outcomes, ids);
    await checkOnePerKey(cluster, load, options, outcomes);
    await checkNothingPending(cluster);
    const isNear = (atMs: number) => atMs >= killedAtMs && atMs <= promotedAtMs + takeoverMs;
    expect(repeatsAtMs.filter((atMs) => !isNear(atMs))).toEqual([]);
  });
});
