import { type Clock, systemClock } from '../base/clock.ts';
import type { Config } from './config.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createMemoryState } from '../state/memory/state.ts';
import type { State } from '../state/state.ts';

/* The part of the composition root (app.ts) that chooses where state is kept. */

/**
 * Idempotency keys are kept for a day, in milliseconds; what Stripe promises. Never longer than a
 * payment, or a repeated call would be answered with an id that nobody knows any more.
 */
const maxIdempotencyTtlMs = 86_400_000;

/** Redis and what belongs to it are loaded only where they are used: they would double the start. */
export async function openState(
  config: Config,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly metrics: Metrics },
): Promise<State> {
  const idempotencyTtlMs = Math.min(maxIdempotencyTtlMs, config.paymentTtlMs);
  const options = { ...config, ...parts, idempotencyTtlMs };
  if (config.redis.url === undefined) {
    return createMemoryState(options);
  }
  if (parts.clock !== systemClock) {
    throw new Error('state in Redis goes by the clock of the machine: leave REDIS_URL or the clock out');
  }
  const { createRedisState } = await import('../state/redis/state.ts');
  return createRedisState({ ...options, redisUrl: config.redis.url });
}
