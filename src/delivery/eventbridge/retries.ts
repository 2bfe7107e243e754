import type { Observer } from '../../base/observer.ts';
import type { RandomSource } from '../../base/random.ts';
import type { Custody } from '../custody.ts';
import type { Delivery } from '../delivery.ts';
import type { DeliveryReport } from '../observer.ts';
import { decideRetry, type RetryOptions } from '../retry-policy.ts';
import type { EntryFailure } from './attempt.ts';
import type { PendingEvent } from './backlog.ts';

/** An event that a call did not bring to AWS, its attempt counted already. */
export interface FailedEvent {
  readonly pending: PendingEvent;
  readonly failure: EntryFailure;
}

interface SendAgainDeps {
  readonly config: { readonly retry: RetryOptions };
  readonly random: RandomSource;
  readonly custody: Custody<Delivery>;
  readonly observe: Observer<DeliveryReport>;
}

/** What an event ends with that is accounted for. */
export const done = Promise.resolve();

/**
 * Gives up what cannot succeed any more, and lets the rest wait; what waits equally long is told together.
 *
 * @param of how many events were in the call.
 * @param hold puts an event into the queue; ends when it waits there, or is given up.
 */
export function sendAgain(
  { config, random, custody, observe }: SendAgainDeps,
  failed: readonly FailedEvent[],
  of: number,
  hold: (delivery: Delivery, delayMs: number) => Promise<void>,
): void {
  const { givenUp, waiting } = retriesOf(failed, config.retry, random);
  for (const { pending, reason, error } of givenUp) {
    custody.giveUp(pending.delivery, reason, error);
    pending.onEnd(done);
  }
  for (const [retryInMs, events] of waiting) {
    const error = [...new Set(events.map(({ delivery }) => errorOf(delivery)))].join('; ');
    const deliveries = events.map(({ delivery }) => delivery);
    observe({ kind: 'events-waiting', deliveries, of, error, retryInMs });
    for (const { delivery, onEnd } of events) {
      onEnd(hold(delivery, retryInMs));
    }
  }
}

/** What to say of a delivery that waits or is given up. */
export function errorOf({ lastError }: Delivery): string {
  return lastError ?? 'not tried yet';
}

/**
 * Decides about failed events and notes their failure.
 *
 * @returns those to give up, and those to send again by the delay in milliseconds; nearly always one delay for all.
 */
export function retriesOf(failed: readonly FailedEvent[], retry: RetryOptions, random: RandomSource) {
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
