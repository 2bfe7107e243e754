import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RandomSource } from '../../src/base/random.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import {
  missingRedis,
  requireRedisInCi,
  type RedisServer,
  startRedisServer,
} from '../support/redis-server.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const keys = 134;
/** Each key is used by as many calls at a time, as often. */
const uses = 3;
const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 2 ** 32);

interface Outage {
  readonly cluster: Cluster;
  readonly redis: RedisServer;
  readonly admin: Redis;
  readonly random: RandomSource;
}

/** What happens to replicas and Redis while calls are made. */
const outages: readonly ((outage: Outage) => Promise<unknown>)[] = [
  ({ admin }) => admin.client('KILL', 'TYPE', 'NORMAL'),
  ({ admin }) => admin.client('PAUSE', 2_500, 'ALL'),
  ({ admin }) => admin.client('PAUSE', 2_500, 'WRITE'),
  async ({ redis }) => {
    redis.pause();
    await delay(2_500);
    redis.resume();
  },
  async ({ cluster, random }) => {
    const replica = cluster.replicas[Math.floor(random() * cluster.replicas.length)];
    await replica?.kill();
    await replica?.restart();
  },
];

/** Calls until there is an answer, by whichever replica, each time with the same key. */
async function createOnce(
  { replicas }: Cluster,
  key: string,
  random: RandomSource,
  answers: Map<string, Set<unknown>>,
): Promise<void> {
  for (;;) {
    const replica = replicas[Math.floor(random() * replicas.length)];
    try {
      const answer = await replica?.call(
        'CreatePaymentIntent',
        intentMessage({ idempotency_key: key, simulation: { delay_ms: 600_000 } }),
      );
      if (answer?.httpStatus === 200) {
        answers.set(key, (answers.get(key) ?? new Set()).add(answer.body['payment_intent_id']));
        return;
      }
    } catch {
      // Killed, or not up yet.
    }
    await delay(20);
  }
}

describe.skipIf(missingRedis !== undefined)(
  'idempotency keys while replicas are killed and Redis pauses',
  () => {
    test(
      `${keys} keys, each used by several calls at a time: one payment each`,
      { timeout: 240_000 },
      async () => {
        const random = createSeededRandom(seed);
        const redis = await startRedisServer();
        const admin = new Redis(redis.url);
        onTestFinished(() => admin.disconnect());
        const cluster = await startCluster(2, { env: { REDIS_URL: redis.url, EVENTBRIDGE: 'off' } });
        const answers = new Map<string, Set<unknown>>();
        let next = 0;
        async function work(): Promise<void> {
          while (next < keys * uses) {
            const key = `key-${Math.floor(next / uses)}`;
            next += 1;
            const sameCalls = Array.from({ length: uses }, () => createOnce(cluster, key, random, answers));
            await Promise.all(sameCalls);
            // So that the outages come in the middle of it.
            await delay(random() * 400);
          }
        }
        const calls = Promise.all(Array.from({ length: 8 }, work));
        for (const outage of [...outages, ...outages]) {
          await outage({ cluster, redis, admin, random });
          await delay(random() * 1_000);
        }
        await calls;
        const payments = await admin.keys('*:payment:*');
        console.log(
          `seed ${seed}: ${answers.size} keys used ${keys * uses ** 2} times, ${payments.length} payments`,
        );
        for (const [key, ids] of answers) {
          expect(ids.size, key).toBe(1);
        }
        expect(answers.size).toBe(keys);
        expect(payments).toHaveLength(keys);
      },
    );
  },
);
