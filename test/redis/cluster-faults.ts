import { expect } from 'vitest';
import type { RedisCluster, RedisClusterNode } from './start-redis-cluster.ts';

const inTime = { timeout: 15_000, interval: 20 };
const pauseMs = 10_000;

/** Whether a key is a payment or of a call: scripts find these by themselves, from what their arguments say. */
export const isRecord = (key: string) => /:(payment|key):/.test(key);

/**
 * Kills a master whose replica has all that it has acknowledged. Replication does not wait, so what it acknowledged
 * in its last moments could be lost with it, as everywhere with Redis; with writes paused there are no such moments.
 */
export async function killCaughtUp({ nodes, replicas }: RedisCluster, victim: number): Promise<void> {
  const [master, replica] = [nodes[victim], replicas[victim]] as [RedisClusterNode, RedisClusterNode];
  await master.client.client('PAUSE', pauseMs, 'WRITE');
  const offsets = async () => [
    await offsetOf(master, 'master_repl_offset'),
    await offsetOf(replica, 'slave_repl_offset'),
  ];
  await expect.poll(async () => new Set(await offsets()).size, inTime).toBe(1);
  await master.server.kill();
}

async function offsetOf({ client }: RedisClusterNode, name: string): Promise<string | undefined> {
  return new RegExp(`${name}:(\\d+)`).exec(await client.info('replication'))?.[1];
}

/** Resolves when the replica of that master is one itself, and every node that is left agrees. */
export async function whenPromoted({ nodes, replicas }: RedisCluster, victim: number): Promise<void> {
  const left = [...nodes.filter((_, nth) => nth !== victim), ...replicas];
  const isDone = async () => {
    const role = String(await replicas[victim]?.client.role());
    const infos = await Promise.all(
      left.map(async ({ client }) => String(await client.call('CLUSTER', 'INFO'))),
    );
    return role.startsWith('master') && infos.every((info) => info.includes('cluster_state:ok'));
  };
  await expect.poll(isDone, inTime).toBe(true);
}
