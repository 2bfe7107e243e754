import { Redis } from 'ioredis';
import { expect, onTestFinished } from 'vitest';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';

/** A Redis cluster on this machine. */
export interface RedisCluster {
  /** The address of one of them. */
  readonly url: string;
  readonly nodes: readonly RedisClusterNode[];
  /** Resolves when every node says that the cluster works. */
  readonly isUp: () => Promise<void>;
}

/** One of its nodes. */
export interface RedisClusterNode {
  readonly server: RedisServer;
  /** A connection to this node alone. */
  readonly client: Redis;
}

const slotCount = 16_384;
const nodeCount = 3;

/** Starts a cluster of three nodes without replicas; it stops when the test is finished. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes: RedisClusterNode[] = [];
  for (let nth = 0; nth < nodeCount; nth += 1) {
    const server = await startRedisServer({
      appendOnly: 'always',
      args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'],
    });
    const client = new Redis(server.port, '127.0.0.1');
    client.on('error', () => undefined);
    onTestFinished(() => client.disconnect());
    nodes.push({ server, client });
  }
  for (const [nth, { client }] of nodes.entries()) {
    const from = Math.ceil((slotCount / nodeCount) * nth);
    const to = Math.ceil((slotCount / nodeCount) * (nth + 1)) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    for (const other of nodes) {
      await client.call('CLUSTER', 'MEET', '127.0.0.1', other.server.port);
    }
  }

  async function isUp(): Promise<void> {
    await expect
      .poll(async () => (await Promise.all(nodes.map(isOk))).every(Boolean), { timeout: 20_000 })
      .toBe(true);
  }

  await isUp();
  return { url: nodes[0]?.server.url ?? '', nodes, isUp };
}

async function isOk({ client }: RedisClusterNode): Promise<boolean> {
  const info = String(await client.call('CLUSTER', 'INFO'));
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodeCount}`);
}
