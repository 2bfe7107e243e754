import type { Clock } from '../../base/clock.ts';
import type { DeliveryQueue } from '../../state/ports.ts';
import type { PendingEvent } from './backlog.ts';
import type { EventRetry } from './event-retry.ts';

/** Where events wait that outlive the process. */
export interface EventBridgeElsewhere {
  /** When EventBridge is slow no more than so many are here at the same time; those beyond wait there. */
  readonly maxSlow: number;
  /** Holds the event, after an attempt, for its next one, and tells who waits for it. */
  retryLater(pending: PendingEvent, delayMs: number): void;
  /** Holds an event that cannot have its turn here now. */
  wait(retry: EventRetry): Promise<void>;
}

/** How long an event waits that there was no room for, or no way to EventBridge yet, in milliseconds. */
const waitMs = 1_000;

/** See `EventBridgeElsewhere`. */
export function createEventBridgeElsewhere(
  queue: DeliveryQueue<EventRetry>,
  clock: Clock,
  maxSlow: number,
): EventBridgeElsewhere {
  return {
    maxSlow,

    retryLater(pending, delayMs) {
      queue.add(toRetry(pending), clock.now() + delayMs).then(
        () => pending.end?.(),
        (error: unknown) => pending.end?.(error),
      );
    },

    async wait(retry) {
      await queue.add({ ...retry, waits: retry.waits + 1 }, clock.now() + waitMs);
    },
  };
}

function toRetry(pending: PendingEvent): EventRetry {
  const { event, settledAtMs, attempts, waits, lastError, firstAttemptAtMs, lastAttemptAtMs } = pending;
  return {
    event,
    settledAtMs,
    attempts,
    waits,
    lastError,
    ...(firstAttemptAtMs !== undefined && { firstAttemptAtMs }),
    ...(lastAttemptAtMs !== undefined && { lastAttemptAtMs }),
  };
}
