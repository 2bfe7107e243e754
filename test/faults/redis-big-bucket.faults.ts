import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createShardTags } from '../../src/state/redis/shard-tags.ts';
import { isRecord, killCaughtUp, whenPromoted } from '../redis/cluster-faults.ts';
import { moveSlot, type SlotMove, slotOf } from '../redis/move-slot.ts';
import { type RedisCluster, type RedisClusterNode, startRedisCluster } from '../redis/start-redis-cluster.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { createPayments } from '../support/payment-load.ts';
import { missingRedis, requireRedisInCi } from '../support/redis-server.ts';
import { checkNothingPending } from '../support/settled-once.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

requireRedisInCi();

/** Due at about the same time, in the one shard: they are in a few buckets, each read in many parts. */
const count = 2_000;
/** From the first create on, in milliseconds. */
const dueInMs = 4_000;
/** 300 payments of a shard are under way at a time, so a bucket is read for some seconds; below a second no origin is slow. */
const answerAfterMs = 600;
/** From then on what was not told of is lost, in milliseconds: locks are taken over after 8 s. */
const patienceMs = 30_000;

interface Where {
  readonly redis: RedisCluster;
  /** Of the shard. */
  readonly slot: number;
  /** The number of the master that has it. */
  readonly owner: number;
}

async function find(redis: RedisCluster): Promise<Where> {
  const [first] = redis.nodes as [RedisClusterNode];
  const slot = await slotOf(first, `{${createShardTags(1)[0]}}`);
  const sizes = await Promise.all(
    redis.nodes.map(async ({ client }) => Number(await client.call('CLUSTER', 'COUNTKEYSINSLOT', slot))),
  );
  return { redis, slot, owner: sizes.indexOf(Math.max(...sizes)) };
}

function moveOf({ redis: { nodes }, slot, owner }: Where): SlotMove {
  const [from, to] = [nodes[owner], nodes[(owner + 1) % nodes.length]];
  return { slot, from, to, masters: nodes } as SlotMove;
}

/** All are due at the same time, so that they share buckets. */
async function createDueTogether(cluster: Cluster, webhookUrl: string): Promise<Set<string>> {
  const dueAtMs = Date.now() + dueInMs;
  const { acknowledged } = await createPayments(cluster, count, () => ({
    webhook_url: webhookUrl,
    simulation: { delay_ms: dueAtMs - Date.now() },
  }));
  // The first have begun, and the next part of the bucket is read when they are answered.
  await delay(dueAtMs - Date.now() + answerAfterMs / 4);
  return new Set(acknowledged);
}

const faults: readonly { name: string; replicas: boolean; strike: (where: Where) => Promise<unknown> }[] = [
  { name: 'its slot moves', replicas: false, strike: (where) => moveSlot(moveOf(where)) },
  {
    // Between two parts, so that whoever reads them does not notice.
    name: 'its slot moves in a moment',
    replicas: false,
    strike: (where) => moveSlot(moveOf(where), { keysAtATime: 1_000 }),
  },
  {
    name: 'its slot moves, payments last',
    replicas: false,
    strike: (where) =>
      moveSlot(moveOf(where), { goesLast: isRecord, beforeLast: () => delay(3 * answerAfterMs) }),
  },
  {
    name: 'its master is killed',
    replicas: true,
    async strike({ redis, owner }) {
      await killCaughtUp(redis, owner);
      await whenPromoted(redis, owner);
    },
  },
];

describe.skipIf(missingRedis !== undefined)('a bucket of many payments in a Redis cluster', () => {
  test.each(faults)(
    'while it is read $name: none of its payments is lost',
    async ({ name, replicas, strike }) => {
      const redis = await startRedisCluster({ replicas, nodeTimeoutMs: 1_000 });
      let isSlow = true;
      const receiver = await startWebhookReceiver((response) => {
        setTimeout(() => response.end(), isSlow ? answerAfterMs : 0);
      });
      const cluster = await startCluster(2, {
        env: { EVENTBRIDGE: 'off', REDIS_URL: redis.url, REDIS_CLUSTER: 'on', QUEUE_SHARDS: '1' },
      });
      const ids = await createDueTogether(cluster, receiver.url);
      const told = () => new Set(receiver.received.map(({ body }) => String(body['payment_id'])));
      const before = told().size;
      const where = await find(redis);
      const startedAtMs = performance.now();
      await strike(where);
      const tookMs = Math.round(performance.now() - startedAtMs);
      isSlow = false;
      const untold = () => {
        const arrived = told();
        return [...ids].filter((id) => !arrived.has(id)).length;
      };
      const wait = performance.now();
      while (untold() > 0 && performance.now() - wait < patienceMs) {
        await delay(200);
      }
      console.log(
        `${name} in ${tookMs} ms with ${before} of ${ids.size} told: ${untold()} lost, ` +
          `${receiver.received.length - told().size} told again`,
      );
      expect(untold()).toBe(0);
      await checkNothingPending(cluster);
    },
  );
});
