import { systemClock } from '../base/clock.ts';
import { createMemoryState } from '../state/memory/memory-state.ts';
import type { State } from '../state/state.ts';
import type { Basics } from './basics.ts';
import type { Config } from './config.ts';

/* The part of the composition root (app.ts) that chooses where state is kept. */

/**
 * Idempotency keys are kept for a day, in milliseconds; what Stripe promises. Never longer than a
 * payment, or a repeated call would be answered with an id that nobody knows any more.
 */
const maxIdempotencyTtlMs = 86_400_000;

/** How long idempotency keys are kept, in milliseconds. */
export function idempotencyTtlOf({ paymentTtlMs }: Pick<Config, 'paymentTtlMs'>): number {
  return Math.min(maxIdempotencyTtlMs, paymentTtlMs);
}

/** Redis and what belongs to it are loaded only where they are used: they would double the start. */
export async function openState(basics: Basics): Promise<State> {
  const { config, overrides, clock, machine, logger, metrics } = basics;
  const { redis } = config;
  const idempotencyTtlMs = idempotencyTtlOf(config);
  const journalBytes = config.simulatorApi ? config.journalMaxBytes : undefined;
  if (redis.url === undefined) {
    return createMemoryState({ ...config, clock, machine, idempotencyTtlMs, journalBytes });
  }
  if ((overrides.clock ?? systemClock) !== systemClock) {
    throw new Error('state in Redis goes by the clock of the machine: leave REDIS_URL or the clock out');
  }
  const { createRedisState } = await import('../state/redis/redis-state.ts');
  return createRedisState({
    ...config,
    redisUrl: redis.url,
    clock: machine,
    logger,
    metrics,
    idempotencyTtlMs,
    journalBytes,
    requireNoEviction: config.environment === 'production',
    wrapPayments: overrides.wrapRedisPayments,
  });
}
