import type { RandomSource } from '../../base/random.ts';
import type { PendingEvent } from './backlog.ts';
import type { EntryResult } from './entry.ts';
import { classifyEntryError } from '../../aws/failures.ts';
import { type AttemptFailure, decideRetry, type RetryOptions } from '../retry-policy.ts';

/** An entry's failure with what to log of it. */
export interface EntryFailure extends AttemptFailure {
  readonly detail: string;
}

/** What is to be done with the events of one call. */
export interface BatchOutcome {
  readonly delivered: readonly PendingEvent[];
  readonly failed: readonly { readonly pending: PendingEvent; readonly failure: EntryFailure }[];
  /** Failed ones to send again, by the delay in milliseconds; nearly always one delay for all. */
  readonly retries: ReadonlyMap<number, PendingEvent[]>;
  readonly givenUp: readonly {
    readonly pending: PendingEvent;
    readonly reason: 'exhausted' | 'refused';
  }[];
}

/** The failure an entry's result tells of, or undefined when the entry was accepted. */
export function failureOf(result: EntryResult | undefined): EntryFailure | undefined {
  if (result === undefined) {
    return { reason: 'no_result', retryable: true, detail: 'the answer has no result for the entry' };
  }
  const { ErrorCode: code, ErrorMessage: message } = result;
  return code === undefined || code === ''
    ? undefined
    : { ...classifyEntryError(code), detail: `${code}: ${message ?? ''}` };
}

/**
 * Sorts the events of one call by what became of them. Their attempts are counted already.
 *
 * @param failures by position, undefined for an accepted entry.
 */
export function judgeBatch(
  batch: readonly PendingEvent[],
  failures: readonly (EntryFailure | undefined)[],
  retry: RetryOptions,
  random: RandomSource,
): BatchOutcome {
  const delivered: PendingEvent[] = [];
  const failed: { pending: PendingEvent; failure: EntryFailure }[] = [];
  const retries = new Map<number, PendingEvent[]>();
  const givenUp: { pending: PendingEvent; reason: 'exhausted' | 'refused' }[] = [];
  // One draw for all: what failed together is sent again together.
  const draw = random();
  for (const [index, pending] of batch.entries()) {
    const failure = failures[index];
    if (failure === undefined) {
      delivered.push(pending);
      continue;
    }
    failed.push({ pending, failure });
    const decision = decideRetry(pending.attempts, failure, retry, () => draw);
    if (decision.action === 'give-up') {
      givenUp.push({ pending, reason: decision.reason });
      continue;
    }
    const group = retries.get(decision.delayMs);
    if (group === undefined) {
      retries.set(decision.delayMs, [pending]);
    } else {
      group.push(pending);
    }
  }
  return { delivered, failed, retries, givenUp };
}
