import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startCluster } from '../support/cluster.ts';
import { checkOnePerKey, idsOf, mixedPayments, startKeyedLoad } from '../support/keyed-load.ts';
import { startOutcomes } from '../support/outcomes.ts';
import {
  missingRedis,
  requireRedisInCi,
  type RedisServer,
  startRedisServer,
} from '../support/redis-server.ts';
import { checkNothingPending, checkSettledOnce } from '../support/settled-once.ts';

requireRedisInCi();

const perSecond = 150;
const longestDelayMs = 5_000;
/** Before each fault, and after it, in milliseconds. */
const loadMs = 4_000;

/** What happens to Redis under load; resolves when it is over. */
const faults: readonly { name: string; strike: (redis: RedisServer, admin: Redis) => Promise<void> }[] = [
  {
    name: 'CLIENT PAUSE for 1.5 s',
    async strike(_redis, admin) {
      await admin.client('PAUSE', 1_500, 'ALL');
      await delay(1_500);
    },
  },
  {
    name: 'stopped for 3 s',
    async strike(redis) {
      redis.pause();
      await delay(3_000);
      redis.resume();
    },
  },
  {
    name: 'killed, and started again after 1 s',
    async strike(redis) {
      await redis.kill();
      await delay(1_000);
      await redis.restart();
    },
  },
];

describe.skipIf(missingRedis !== undefined)('creates with keys while their Redis goes away', () => {
  test.each(faults)('$name: nothing is lost, each key has one payment', async ({ name, strike }) => {
    const [redis, outcomes] = await Promise.all([
      startRedisServer({ appendOnly: 'always' }),
      startOutcomes(),
    ]);
    const admin = new Redis(redis.url);
    admin.on('error', () => undefined);
    onTestFinished(() => admin.disconnect());
    const cluster = await startCluster(2, { env: { ...outcomes.env, REDIS_URL: redis.url } });
    const options = { perSecond, message: mixedPayments(outcomes, longestDelayMs) };
    const load = startKeyedLoad(cluster, options);
    await delay(loadMs);
    await strike(redis, admin);
    await delay(loadMs);
    await load.stop();
    const ids = idsOf(load);
    // A create that was carried out and not answered was answered when it was repeated: there are no others.
    await outcomes.whenComplete(ids, 20_000);
    console.log(
      `${name}: ${ids.length} creates, ${load.repeated()} calls repeated, the longest create took ` +
        `${load.longestMs()} ms; none lost; delivered again: ${JSON.stringify(outcomes.countDuplicates())}`,
    );
    await checkSettledOnce(cluster, outcomes, ids);
    await checkOnePerKey(cluster, load, options, outcomes);
    await checkNothingPending(cluster);
    expect(new Set(ids)).toEqual(new Set(outcomes.received.keys()));
  });
});
