import type { RandomSource } from '../../base/random.ts';
import { decideRetry, type RetryOptions } from '../retry-policy.ts';
import type { EntryFailure } from './attempt.ts';
import type { PendingEvent } from './pending-event.ts';

/** An event that a call did not bring to AWS, its attempt counted already. */
export interface FailedEvent {
  readonly pending: PendingEvent;
  readonly failure: EntryFailure;
}

/** What is to be done with the events of one call that failed. */
interface Retries {
  readonly givenUp: readonly {
    readonly pending: PendingEvent;
    readonly reason: 'exhausted' | 'refused';
    readonly error: string;
  }[];
  /** Those to send again, by the delay in milliseconds; nearly always one delay for all. */
  readonly waiting: ReadonlyMap<number, PendingEvent[]>;
}

/** Decides about failed events and notes their failure. */
export function retriesOf(
  failed: readonly FailedEvent[],
  retry: RetryOptions,
  random: RandomSource,
): Retries {
  const givenUp: { pending: PendingEvent; reason: 'exhausted' | 'refused'; error: string }[] = [];
  const waiting = new Map<number, PendingEvent[]>();
  // One draw for all: what failed together is sent again together.
  const draw = random();
  for (const { pending, failure } of failed) {
    pending.delivery = { ...pending.delivery, lastError: failure.detail };
    const decision = decideRetry(pending.delivery.attempts, failure, retry, () => draw);
    if (decision.action === 'give-up') {
      givenUp.push({ pending, reason: decision.reason, error: failure.detail });
      continue;
    }
    const together = waiting.get(decision.delayMs);
    if (together === undefined) {
      waiting.set(decision.delayMs, [pending]);
    } else {
      together.push(pending);
    }
  }
  return { givenUp, waiting };
}
