import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedisServer } from '../../dev/redis-server.ts';
import { grpcLoad } from '../lib/grpc-load.ts';
import { startService } from '../lib/service.ts';

/** What a payment takes in Redis, in bytes of `used_memory`. */
export interface RedisBytes {
  /** Without an index, and without a webhook. */
  readonly pending: number;
  readonly settled: number;
  /** What the index of ListPayments adds. */
  readonly index: number;
  /** What the note of one attempt at a webhook adds, its address in the record included. */
  readonly webhook: number;
}

interface Kind {
  readonly index: 'on' | 'off';
  readonly delayMs: number;
  readonly webhookUrl?: string;
}

const count = 20_000;

/** Stores payments that settle a day later, and others that settle at once. */
export async function measureBytes(webhookUrl: string): Promise<RedisBytes> {
  const pending = await grow({ index: 'off', delayMs: 86_400_000 });
  const settled = await grow({ index: 'off', delayMs: 0 });
  const indexed = await grow({ index: 'on', delayMs: 0 });
  const told = await grow({ index: 'off', delayMs: 0, webhookUrl });
  return { pending, settled, index: indexed - settled, webhook: told - settled };
}

async function grow({ index, ...load }: Kind): Promise<number> {
  const redis = await startRedisServer();
  const client = new Redis(redis.url);
  // Its journal would take JOURNAL_MAX_BYTES, whatever the number of payments.
  const env = { SIMULATOR_API: 'off', PAYMENT_INDEX: index, REDIS_URL: redis.url, MAX_PAYMENTS: '4000000' };
  const service = await startService(env);
  try {
    const before = await usedMemory(client);
    await grpcLoad({ port: service.apiPort, connections: 16, streams: 2, calls: count, ...load });
    if (load.delayMs === 0) {
      await service.settled();
      // Notes of attempts are on their way.
      await delay(1_000);
    }
    return ((await usedMemory(client)) - before) / count;
  } finally {
    await service.stop();
    client.disconnect();
    await redis.stop();
  }
}

async function usedMemory(client: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
}
