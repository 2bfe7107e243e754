import { expect } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createRedisState } from '../../src/state/redis/redis-state.ts';
import type { State } from '../../src/state/state.ts';

/** What a test is about. */
export interface RedisStateChange {
  readonly paymentTtlMs?: number;
  readonly idempotencyTtlMs?: number;
  readonly webhookMaxAttempts?: number;
  readonly indexed?: boolean;
  readonly journalBytes?: number;
}

/** A replica's state, which whoever opens it closes; those with the same database share it. */
export async function openRedisState(
  url: string,
  { indexed = true, ...change }: RedisStateChange = {},
): Promise<State> {
  const state = createRedisState({
    redisUrl: url,
    redis: { url, cluster: false, shards: 3, indexed },
    clock: systemClock,
    logger: createLogger('silent', { write: () => undefined }),
    metrics: createMetrics(false),
    paymentTtlMs: 60_000,
    idempotencyTtlMs: 60_000,
    webhookMaxAttempts: 8,
    requireNoEviction: false,
    ...change,
  });
  await state.start();
  expect(state.unreadyReason()).toBeUndefined();
  return state;
}
