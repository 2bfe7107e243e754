import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { State } from '../../src/state/state.ts';
import { createRedisState } from '../../src/state/redis/redis-state.ts';
import {
  launchRedisServer,
  missingRedis,
  requireRedisInCi,
  type RedisServer,
} from '../support/redis-server.ts';
import { describeAttemptLog } from './attempt-log.contract.ts';
import { describeDeliveryQueue } from './delivery-queue.contract.ts';
import type { PortHarness } from './harness.ts';
import { describeIdempotencyStore } from './idempotency-store.contract.ts';
import { describePayments } from './payments.contract.ts';

requireRedisInCi();

/** More than there are tests: each has a database of its own. */
const databases = 200;

interface Change {
  readonly paymentTtlMs?: number;
  readonly idempotencyTtlMs?: number;
  readonly webhookMaxAttempts?: number;
}

let redis: RedisServer;
let nextDatabase = 0;

/** A replica's state; those with the same database share it. */
async function openState(database: number, change: Change = {}): Promise<State> {
  const state = createRedisState({
    redisUrl: `${redis.url}/${database}`,
    redis: { url: redis.url, cluster: false, shards: 3, indexed: true },
    clock: systemClock,
    logger: createLogger('silent', { write: () => undefined }),
    metrics: createMetrics(false),
    paymentTtlMs: 60_000,
    idempotencyTtlMs: 60_000,
    webhookMaxAttempts: 8,
    requireNoEviction: false,
    ...change,
  });
  onTestFinished(() => state.close());
  await state.start();
  expect(state.unreadyReason()).toBeUndefined();
  return state;
}

async function harness<T>(pick: (state: State) => T, change: Change = {}): Promise<PortHarness<T>> {
  nextDatabase += 1;
  return {
    port: pick(await openState(nextDatabase, change)),
    now: () => Date.now(),
    // What is due with the time may need a little more: at most what a busy machine takes.
    passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 50)),
    outlivesProcess: true,
  };
}

describe.skipIf(missingRedis !== undefined)('with a Redis', () => {
  beforeAll(async () => {
    redis = await launchRedisServer({ args: ['--databases', String(databases)] });
  });
  afterAll(() => redis.stop());

  const unbounded = { isBounded: false };
  describePayments(
    'Redis',
    ({ ttlMs }) => harness(({ payments }) => payments, { paymentTtlMs: ttlMs }),
    unbounded,
  );
  describeIdempotencyStore('Redis', ({ ttlMs }) =>
    harness((state) => state.idempotency, { idempotencyTtlMs: ttlMs }),
  );
  describeDeliveryQueue('Redis', () => harness((state) => state.webhookQueue), unbounded);
  describeAttemptLog('Redis', ({ ttlMs, maxAttempts }) =>
    harness((state) => state.attemptLog, { paymentTtlMs: ttlMs, webhookMaxAttempts: maxAttempts }),
  );
});
