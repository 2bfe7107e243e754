import { setTimeout as delay } from 'node:timers/promises';
import { startDistantServer } from '../../dev/distant-server.ts';
import { startRedisServer } from '../../dev/redis-server.ts';
import { grpcLoad } from '../lib/grpc-load.ts';
import { startService } from '../lib/service.ts';
import { percentile } from '../lib/statistics.ts';
import { readLags } from '../growth/settlement-lag.ts';

const delayMs = 1_000;
const warmUpSeconds = 2;
/** The log holds lines back for 100 ms. */
const logWaitMs = 500;

/** How late settlements are with a Redis that is some milliseconds away: the 95th percentile, in milliseconds. */
export async function measureLag(roundTripMs: number, perSecond: number): Promise<number> {
  const redis = await startRedisServer({ appendOnly: 'everysec' });
  const distant = await startDistantServer(redis.port, roundTripMs);
  const service = await startService({
    REDIS_URL: `redis://127.0.0.1:${distant.port}`,
    DEFAULT_DELAY_MS: String(delayMs),
  });
  try {
    const fromMs = Date.now() + warmUpSeconds * 1_000 + delayMs;
    const connections = 20;
    const rate = perSecond / connections;
    await grpcLoad({ port: service.apiPort, connections, streams: 4, rate, seconds: 8, warmUpSeconds });
    await service.settled();
    await delay(logWaitMs);
    return percentile(Float64Array.from(await readLags(service.logPath, fromMs, delayMs)).toSorted(), 95);
  } finally {
    await service.stop();
    distant.stop();
    await redis.stop();
  }
}

/**
 * How long a caller waits who has lost the connection to Redis in a create, and tries again with the same key: from the
 * failure to the answer, in milliseconds.
 */
export async function measureRetry(): Promise<number> {
  const redis = await startRedisServer({ appendOnly: 'everysec' });
  const distant = await startDistantServer(redis.port, 50);
  const service = await startService({ REDIS_URL: `redis://127.0.0.1:${distant.port}` });
  const create = (key: string) =>
    fetch(`http://127.0.0.1:${service.apiPort}/payment.v1.PaymentService/CreatePaymentIntent`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        reservation_id: 'r',
        user_id: 'u',
        amount: { amount: 1_000, currency: 'KRW' },
        idempotency_key: key,
      }),
    });
  try {
    await create('key-0');
    const lost = create('key-1');
    // Redis has the call by then, and its answer is on the way.
    await delay(40);
    distant.cut();
    if ((await lost).status !== 503) {
      throw new Error('the call has not lost its connection');
    }
    const startedAtMs = performance.now();
    for (;;) {
      const { status } = await create('key-1');
      if (status === 200) {
        return performance.now() - startedAtMs;
      }
      await delay(10);
    }
  } finally {
    await service.stop();
    distant.stop();
    await redis.stop();
  }
}
