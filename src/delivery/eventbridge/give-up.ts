import type { Metrics } from '../../observability/metrics.ts';
import { LeftToOthersError } from '../../state/left-to-others-error.ts';
import type { DeadLetterReason, DeadLetters } from '../dead-letter/dead-letter.ts';
import type { PendingEvent } from './backlog.ts';

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
  return (pending, reason) => {
    if (deps.isShared && reason === 'shutdown') {
      pending.end?.(new LeftToOthersError());
      return;
    }
    deps.metrics.eventBridgeEvents.count(`dead_letter_${reason}`);
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
