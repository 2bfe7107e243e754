import { type MachineClock, type SimClock, systemClock } from '../base/clock.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createMemoryState } from '../state/memory/state.ts';
import type { RedisPaymentParts } from '../state/redis/payments.ts';
import type { State } from '../state/state.ts';
import type { Config } from './config.ts';

/* The part of the composition root (app.ts) that chooses where state is kept. */

/**
 * Idempotency keys are kept for a day, in milliseconds; what Stripe promises. Never longer than a
 * payment, or a repeated call would be answered with an id that nobody knows any more.
 */
const maxIdempotencyTtlMs = 86_400_000;

interface StateParts {
  readonly clock: SimClock;
  readonly machine: MachineClock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Stands between payments in Redis and what they are made of. */
  readonly wrapRedisPayments?: ((parts: RedisPaymentParts) => RedisPaymentParts) | undefined;
}

/** Redis and what belongs to it are loaded only where they are used: they would double the start. */
export async function openState(config: Config, parts: StateParts): Promise<State> {
  const { paymentTtlMs, webhookMaxAttempts, redis } = config;
  const idempotencyTtlMs = Math.min(maxIdempotencyTtlMs, paymentTtlMs);
  if (redis.url === undefined) {
    const { maxPayments, webhookMaxBacklog, webhookMaxBacklogPerOrigin } = config;
    return createMemoryState({
      clock: parts.clock,
      machine: parts.machine,
      paymentTtlMs,
      idempotencyTtlMs,
      maxPayments,
      webhookMaxAttempts,
      webhookMaxBacklog,
      webhookMaxBacklogPerOrigin,
    });
  }
  if (parts.clock !== systemClock) {
    throw new Error('state in Redis goes by the clock of the machine: leave REDIS_URL or the clock out');
  }
  const { createRedisState } = await import('../state/redis/state.ts');
  return createRedisState({
    redis,
    redisUrl: redis.url,
    clock: parts.machine,
    logger: parts.logger,
    metrics: parts.metrics,
    paymentTtlMs,
    idempotencyTtlMs,
    webhookMaxAttempts,
    wrapPayments: parts.wrapRedisPayments,
  });
}
