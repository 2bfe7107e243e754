import { describe, expect, test } from 'vitest';
import { startRedisCluster } from '../redis/start-redis-cluster.ts';
import { type ClusterReplica, startCluster } from '../support/cluster.ts';
import { startOutcomes } from '../support/outcomes.ts';
import { createPayments } from '../support/payment-load.ts';
import { missingRedis, requireRedisInCi } from '../support/redis-server.ts';
import { checkSettledOnce } from '../support/settled-once.ts';

requireRedisInCi();

const count = 1_000;
const inTime = { timeout: 30_000 };

describe.skipIf(missingRedis !== undefined)('a Redis cluster of three nodes', () => {
  test('goes on after one of them was killed and came back: nothing acknowledged is lost', async () => {
    const [redis, outcomes] = await Promise.all([startRedisCluster(), startOutcomes()]);
    const cluster = await startCluster(2, {
      env: { ...outcomes.env, REDIS_URL: redis.url, REDIS_CLUSTER: 'on', QUEUE_SHARDS: '12' },
    });
    const { acknowledged } = await createPayments(cluster, count, (nth) => ({
      webhook_url: outcomes.webhookUrl,
      simulation: { delay_ms: (nth * 7_919) % 5_000 },
    }));
    const [replica] = cluster.replicas as [ClusterReplica, ClusterReplica];
    const answers = async () => {
      const some = acknowledged.slice(0, 50);
      const calls = some.map((id) => replica.call('GetPaymentStatus', { payment_intent_id: id }));
      return new Set((await Promise.all(calls)).map(({ body }) => body['code']));
    };
    const node = redis.nodes[1];
    await node?.server.kill();
    await expect.poll(answers, inTime).toContain('unavailable');
    await node?.server.restart();
    await redis.isUp();
    await expect.poll(answers, inTime).toEqual(new Set([undefined]));
    await outcomes.whenComplete(acknowledged, 60_000);
    await checkSettledOnce(cluster, outcomes, acknowledged);
    console.log(
      `a node of the cluster killed: ${acknowledged.length} acknowledged, none lost; delivered again: ` +
        JSON.stringify(outcomes.countDuplicates()),
    );
  }, 120_000);
});
