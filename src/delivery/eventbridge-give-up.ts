import type { Metrics } from '../observability/metrics.ts';
import type { CounterSeries } from '../observability/series.ts';
import { LeftToOthersError } from '../state/left-to-others-error.ts';
import type { DeadLetterReason, DeadLetters } from './dead-letter.ts';
import type { PendingEvent } from './eventbridge-backlog.ts';

/** Ends the way of an event that this process delivers no more. */
export type EventBridgeGiveUp = (pending: PendingEvent, reason: DeadLetterReason) => void;

/**
 * Counts events that are given up, records them among the dead letters and tells who waits for them.
 *
 * @param deps.isShared whether events outlive the process: what it has no time for is left to others then.
 */
export function createEventBridgeGiveUp(deps: {
  readonly metrics: Metrics;
  readonly deadLetters: DeadLetters;
  readonly isShared: boolean;
}): EventBridgeGiveUp {
  const counters = new Map<DeadLetterReason, CounterSeries>();

  function count(reason: DeadLetterReason): void {
    let series = counters.get(reason);
    if (series === undefined) {
      series = deps.metrics.eventBridgeEvents.series({ outcome: `dead_letter_${reason}` });
      counters.set(reason, series);
    }
    series.inc();
  }

  return (pending, reason) => {
    if (deps.isShared && reason === 'shutdown') {
      pending.end?.(new LeftToOthersError());
      return;
    }
    count(reason);
    deps.deadLetters.record({
      channel: 'eventbridge',
      event: pending.event,
      settledAtMs: pending.settledAtMs,
      reason,
      attempts: pending.attempts,
      firstAttemptAtMs: pending.firstAttemptAtMs,
      lastAttemptAtMs: pending.lastAttemptAtMs,
      error: pending.lastError,
    });
    pending.end?.();
  };
}
