import type { Metrics } from '../../observability/metrics.ts';
import { PaymentError } from '../../payment/errors.ts';
import { failureOf, RedisFaultError } from './redis-error.ts';
import { UnfitRedisError } from './unfit-error.ts';

interface CallErrorDeps {
  readonly metrics: Metrics;
  /** Called when Redis refused a command for want of memory. */
  readonly onFull: () => void;
}

/**
 * What a call is told of an error of the Redis client, and counts it. Callers are told in our words: Redis' own
 * name scripts and keys, and are for the log.
 */
export function toCallError(error: unknown, deps: CallErrorDeps): Error {
  if (error instanceof PaymentError || error instanceof UnfitRedisError) {
    return error;
  }
  const failure = failureOf(error);
  switch (failure.kind) {
    case 'full':
      deps.metrics.redisErrors.inc({ reason: 'out_of_memory' });
      deps.onFull();
      return new PaymentError({ kind: 'state-full' });
    case 'unavailable':
      return unavailable(deps, 'failed', failure.detail);
    case 'fault':
      deps.metrics.redisErrors.inc({ reason: 'failed' });
      return new RedisFaultError(error);
  }
}

/**
 * Counts a command that was not carried out, or of which that is not known.
 *
 * @param reason of the metric.
 * @param detail for callers; follows on "it".
 */
export function unavailable(
  { metrics }: Pick<CallErrorDeps, 'metrics'>,
  reason: string,
  detail: string,
): PaymentError {
  metrics.redisErrors.inc({ reason });
  return new PaymentError({ kind: 'state-unavailable', detail });
}
