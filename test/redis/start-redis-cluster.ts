import { Redis } from 'ioredis';
import { expect, onTestFinished } from 'vitest';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';

/** A Redis cluster on this machine. */
export interface RedisCluster {
  /** The address of one of them. */
  readonly url: string;
  /** The masters, each with a third of the slots. */
  readonly nodes: readonly RedisClusterNode[];
  /** Of each master, in the same order; none unless asked for. */
  readonly replicas: readonly RedisClusterNode[];
  /** Resolves when every node says that the cluster works. */
  readonly isUp: () => Promise<void>;
}

/** One of its nodes. */
export interface RedisClusterNode {
  readonly server: RedisServer;
  /** A connection to this node alone. */
  readonly client: Redis;
}

/** How a cluster is started. */
export interface RedisClusterOptions {
  /** Whether each master has a replica, which takes its place when it is gone. */
  readonly replicas?: boolean;
  /** After this long without an answer a node counts as gone, in milliseconds. */
  readonly nodeTimeoutMs?: number;
}

const slotCount = 16_384;
const masterCount = 3;

/** Starts a cluster of three masters; it stops when the test is finished. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const count = options.replicas === true ? 2 * masterCount : masterCount;
  const all: RedisClusterNode[] = [];
  for (let nth = 0; nth < count; nth += 1) {
    all.push(await startNode(options));
  }
  const nodes = all.slice(0, masterCount);
  const replicas = all.slice(masterCount);
  await introduce(nodes, all);
  const isUp = () => isUpEverywhere(all);
  await isUp();
  for (const [nth, { client }] of replicas.entries()) {
    await client.call('CLUSTER', 'REPLICATE', String(await nodes[nth]?.client.call('CLUSTER', 'MYID')));
  }
  for (const { client } of replicas) {
    await expect
      .poll(() => client.info('replication'), { timeout: 20_000 })
      .toContain('master_link_status:up');
  }
  return { url: nodes[0]?.server.url ?? '', nodes, replicas, isUp };
}

async function startNode({ nodeTimeoutMs = 2_000 }: RedisClusterOptions): Promise<RedisClusterNode> {
  const server = await startRedisServer({
    appendOnly: 'always',
    args: [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      String(nodeTimeoutMs),
      '--repl-diskless-sync-delay',
      '0',
    ],
  });
  const client = new Redis(server.port, '127.0.0.1');
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  return { server, client };
}

/** Deals the slots out, and tells each master of all nodes. */
async function introduce(
  masters: readonly RedisClusterNode[],
  all: readonly RedisClusterNode[],
): Promise<void> {
  for (const [nth, { client }] of masters.entries()) {
    const from = Math.ceil((slotCount / masterCount) * nth);
    const to = Math.ceil((slotCount / masterCount) * (nth + 1)) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    for (const other of all) {
      await client.call('CLUSTER', 'MEET', '127.0.0.1', other.server.port);
    }
  }
}

async function isUpEverywhere(all: readonly RedisClusterNode[]): Promise<void> {
  const areUp = async () => (await Promise.all(all.map((node) => isOk(node, all.length)))).every(Boolean);
  await expect.poll(areUp, { timeout: 20_000 }).toBe(true);
}

async function isOk({ client }: RedisClusterNode, nodeCount: number): Promise<boolean> {
  const info = String(await client.call('CLUSTER', 'INFO'));
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodeCount}`);
}
