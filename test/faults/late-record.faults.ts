import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';
import { settle } from '../../src/payment/lifecycle.ts';
import { isSettled } from '../../src/payment/payment.ts';
import { bucketJob } from '../../src/state/redis/bucket-jobs.ts';
import { bucketAt, dueTimeOf } from '../../src/state/redis/buckets.ts';
import type { RedisPaymentParts } from '../../src/state/redis/payments.ts';
import { shardPrefix } from '../../src/state/redis/shard-numbers.ts';
import { createRedisState } from '../../src/state/redis/redis-state.ts';
import {
  launchRedisServer,
  missingRedis,
  requireRedisInCi,
  type RedisServer,
} from '../support/redis-server.ts';
import { refundALittle, samplePayment, sampleSettlement } from '../support/sample-payment.ts';

/* Jobs whose payment or event is not there, as after a transaction of which Redis has refused the script alone. */

requireRedisInCi();

/** What the clock of the replica says, while it stands. */
let standingAtMs: number | undefined;
const clock = { ...systemClock, now: () => standingAtMs ?? systemClock.now() };

let redis: RedisServer;
let nextDatabase = 0;

/** Payments that settle as planned; `wrap` stands between them and their parts. */
async function startPayments(wrap: (parts: RedisPaymentParts) => RedisPaymentParts) {
  nextDatabase += 1;
  const url = `${redis.url}/${nextDatabase}`;
  const lines: Record<string, unknown>[] = [];
  const announced: PaymentEvent[] = [];
  let bare: RedisPaymentParts | undefined;
  const state = createRedisState({
    redisUrl: url,
    redis: { url, cluster: false, shards: 1, indexed: true },
    clock,
    logger: createLogger('warn', {
      write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
    }),
    metrics: createMetrics(false),
    requireNoEviction: false,
    paymentTtlMs: 60_000,
    idempotencyTtlMs: 60_000,
    webhookMaxAttempts: 8,
    wrapPayments(parts) {
      bare = parts;
      return wrap(parts);
    },
  });
  onTestFinished(() => state.close());
  state.payments.start({
    hasRoom: () => true,
    settle: (payment) => settle(payment, sampleSettlement(Date.now(), payment.id)),
    endRefund: () => undefined,
    changed: () => undefined,
    announce: (event) => void announced.push(event),
    failed: () => undefined,
  });
  await state.start();
  const client = new Redis(url);
  onTestFinished(() => client.disconnect());
  return { state, announced, lines, client, parts: bare as RedisPaymentParts };
}

describe.skipIf(missingRedis !== undefined)('with a Redis', () => {
  beforeAll(async () => {
    redis = await launchRedisServer();
  });
  afterAll(() => redis.stop());

  test('a payment whose bucket has begun goes into a later one, and settles', async () => {
    let isFirst = true;
    const { state, announced, lines } = await startPayments((bare) => ({
      ...bare,
      bucketReader: {
        ...bare.bucketReader,
        async *entries(shard, bucket) {
          if (isFirst) {
            isFirst = false;
            standingAtMs = dueTimeOf(bucket);
            await bare.records.register(samplePayment({ id: 'pay-2', dueAtMs: 0 }));
            standingAtMs = undefined;
          }
          yield* bare.bucketReader.entries(shard, bucket);
        },
      },
    }));
    await state.payments.register(samplePayment({ dueAtMs: 0 }));
    await expect
      .poll(() => announced.map((event) => event.payment.id), { timeout: 10_000 })
      .toEqual(['pay-1', 'pay-2']);
    expect(lines.filter(({ msg }) => /job/i.test(String(msg)))).toEqual([]);
  });

  test('a job whose payments do not come ends', async () => {
    const { parts, announced, client } = await startPayments((bare) => bare);
    const job = bucketJob(bucketAt(Date.now()));
    await parts.settlements.add(0, job);
    const key = `${shardPrefix(0)}:settlements:${job.id}`;
    await expect.poll(() => client.exists(key), { timeout: 10_000 }).toBe(0);
    expect(announced).toEqual([]);
  });

  test('an event whose change is made while its job looks for it is announced', async () => {
    const [looked, changed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { state, announced } = await startPayments((bare) => ({
      ...bare,
      records: {
        ...bare.records,
        async changeWithJobs(stored, change, jobs) {
          await Promise.all(jobs.map(({ job }) => bare.announcements.add(0, job)));
          await looked.promise;
          const isChanged = await bare.records.changeWithJobs(stored, change, jobs);
          changed.resolve();
          return isChanged;
        },
      },
      announcements: {
        ...bare.announcements,
        handle: (run) =>
          bare.announcements.handle(async (id, event, failures, shard) => {
            const [ended] = await Promise.allSettled([run(id, event, failures, shard)]);
            looked.resolve();
            // So that the job is still there, and not added once more.
            await changed.promise;
            if (ended.status === 'rejected') {
              throw ended.reason;
            }
          }),
      },
    }));
    await state.payments.register(samplePayment({ dueAtMs: 0 }));
    await expect.poll(() => announced.length, { timeout: 10_000 }).toBe(1);
    await state.payments.transition('pay-1', (payment) =>
      isSettled(payment) ? refundALittle(payment, 'evt-later', Date.now()) : undefined,
    );
    await expect.poll(() => announced.map(({ id }) => id), { timeout: 10_000 }).toContain('evt-later');
  });
});
