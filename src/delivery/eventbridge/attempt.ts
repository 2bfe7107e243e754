import type { Clock } from '../../base/clock.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { PendingEvent } from './backlog.ts';
import type { EventBridgeEntry, PutEvents } from './entry.ts';
import { classifyCallError } from '../../aws/failures.ts';
import { type EntryFailure, failureOf } from './outcome.ts';

/** What attempts are made with. */
export interface EventBridgeAttemptDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly entryOf: (pending: PendingEvent) => EventBridgeEntry;
  readonly isInFlight: (pending: PendingEvent) => boolean;
  /** Called with what became of the events of a call, by position; undefined for one that was taken. */
  readonly conclude: (
    batch: readonly PendingEvent[],
    failures: readonly (EntryFailure | undefined)[],
  ) => void;
}

/** One call and what comes of it; false when AWS took nothing and might take it later. */
export type EventBridgeAttempt = (call: PutEvents, batch: readonly PendingEvent[]) => Promise<boolean>;

/** See `EventBridgeAttempt`. */
export function createEventBridgeAttempt(deps: EventBridgeAttemptDeps): EventBridgeAttempt {
  const { clock, metrics, entryOf, conclude } = deps;

  return async function attempt(call, batch) {
    const startedAtMs = clock.now();
    for (const pending of batch) {
      pending.attempts += 1;
      pending.firstAttemptAtMs ??= startedAtMs;
      pending.lastAttemptAtMs = startedAtMs;
    }
    try {
      const results = await call(batch.map(entryOf));
      const failures = batch.map((_, index) => failureOf(results[index]));
      const anyFailed = failures.some((failure) => failure !== undefined);
      metrics.eventBridgeCalls.count(anyFailed ? 'partly_failed' : 'accepted');
      conclude(batch, failures);
      return !failures.every((failure) => failure?.retryable);
    } catch (error) {
      const failure = classifyCallError(error);
      metrics.eventBridgeCalls.count(failure.reason);
      if (failure.blamesEntries && batch.length > 1) {
        // One bad entry must not take nine good ones with it.
        for (const pending of batch.filter(deps.isInFlight)) {
          await attempt(call, [pending]);
        }
        return true;
      }
      conclude(
        batch,
        batch.map(() => failure),
      );
      return !failure.retryable;
    } finally {
      metrics.eventBridgeCallSeconds.observe((clock.now() - startedAtMs) / 1000);
    }
  };
}
