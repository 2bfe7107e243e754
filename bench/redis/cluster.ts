import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { type RedisServer, startRedisServer } from '../../dev/redis-server.ts';
import { grpcLoad } from '../lib/grpc-load.ts';
import { cpuMicros } from '../lib/process-usage.ts';
import { startService } from '../lib/service.ts';

/** What a cluster of three masters makes of twelve shards. */
export interface ClusterResult {
  /** CPU of the master with the most ÷ that with the least. */
  readonly fullestToEmptiest: number;
  /** Of one replica, to all masters. */
  readonly connections: number;
}

const masters = 3;

/** Payments that go all the way, over three masters. */
export async function measureCluster(
  settings: Readonly<Record<string, string>>,
  webhookUrl: string,
  calls: number,
): Promise<ClusterResult> {
  const args = ['--cluster-enabled', 'yes'];
  const servers = await Promise.all(Array.from({ length: masters }, () => startRedisServer({ args })));
  try {
    const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
    await promisify(execFile)('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
    return await measure(servers, settings, webhookUrl, calls);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function measure(
  servers: readonly RedisServer[],
  settings: Readonly<Record<string, string>>,
  webhookUrl: string,
  calls: number,
): Promise<ClusterResult> {
  const service = await startService({
    ...settings,
    // Its journal is one stream, so on one master.
    SIMULATOR_API: 'off',
    REDIS_URL: servers[0]?.url ?? '',
    REDIS_CLUSTER: 'on',
    QUEUE_SHARDS: '12',
  });
  try {
    const load = { port: service.apiPort, connections: 32, streams: 2, delayMs: 0, webhookUrl };
    await grpcLoad({ ...load, calls: calls / 5 });
    await service.settled();
    const cpu = () => servers.map((server) => cpuMicros(server.pid() ?? 0));
    const before = cpu();
    await grpcLoad({ ...load, calls });
    await service.settled();
    const used = cpu().map((after, index) => after - (before[index] ?? 0));
    const connections = await Promise.all(servers.map(countConnections));
    return {
      fullestToEmptiest: Math.max(...used) / Math.min(...used),
      connections: connections.reduce((sum, each) => sum + each, 0),
    };
  } finally {
    await service.stop();
  }
}

/** All but the one that asks. */
async function countConnections({ url }: RedisServer): Promise<number> {
  const client = new Redis(url);
  try {
    const list = String(await client.client('LIST', 'TYPE', 'NORMAL'));
    return list.trim().split('\n').length - 1;
  } finally {
    client.disconnect();
  }
}
