import type { MachineClock } from '../../base/clock.ts';
import type { Observer } from '../../base/observer.ts';
import { classifyCallError, classifyEntryError, codeAndMessage } from '../../aws/failures.ts';
import { afterAttempt } from '../delivery.ts';
import type { DeliveryReport } from '../observer.ts';
import type { AttemptFailure } from '../retry-policy.ts';
import type { EntryResult, EventBridgeEntry, PutEvents } from './entry.ts';
import type { PendingEvent } from './backlog.ts';

/** What attempts are made with. */
export interface AttemptDeps {
  readonly machine: MachineClock;
  readonly observe: Observer<DeliveryReport>;
  readonly entryOf: (pending: PendingEvent) => EventBridgeEntry;
  /** Whether the event is not accounted for yet. */
  readonly isInFlight: (pending: PendingEvent) => boolean;
  /** Called with what became of the events of a call, by position; undefined for one that was taken. */
  readonly conclude: (
    batch: readonly PendingEvent[],
    failures: readonly (EntryFailure | undefined)[],
  ) => void;
}

/** An entry's failure with what to log of it. */
export interface EntryFailure extends AttemptFailure {
  readonly detail: string;
}

/**
 * One PutEvents call and what comes of it. A call that is refused for one of its entries is made again for
 * each of them alone: one bad entry must not take nine good ones with it.
 *
 * @returns false when AWS took nothing and might take it later.
 */
export async function attemptBatch(
  deps: AttemptDeps,
  call: PutEvents,
  batch: readonly PendingEvent[],
): Promise<boolean> {
  const { machine, observe } = deps;
  const startedAtMs = machine.now();
  const startedAt = machine.monotonic();
  for (const pending of batch) {
    pending.delivery = afterAttempt(pending.delivery, startedAtMs);
  }
  const ended = (outcome: string) =>
    observe({ kind: 'call-ended', outcome, durationMs: machine.monotonic() - startedAt });
  let results: readonly EntryResult[];
  try {
    results = await call(batch.map(deps.entryOf));
  } catch (error) {
    const failure = classifyCallError(error);
    ended(failure.reason);
    if (failure.blamesEntries && batch.length > 1) {
      for (const pending of batch.filter(deps.isInFlight)) {
        await attemptBatch(deps, call, [pending]);
      }
      return true;
    }
    deps.conclude(
      batch,
      batch.map(() => failure),
    );
    return !failure.retryable;
  }
  const failures = batch.map((_, index) => failureOf(results[index]));
  ended(failures.some((failure) => failure !== undefined) ? 'partly_failed' : 'accepted');
  deps.conclude(batch, failures);
  return !failures.every((failure) => failure?.retryable);
}

/** The failure an entry's result tells of, or undefined when the entry was accepted. */
function failureOf(result: EntryResult | undefined): EntryFailure | undefined {
  if (result === undefined) {
    return { reason: 'no_result', retryable: true, detail: 'the answer has no result for the entry' };
  }
  const { ErrorCode: code, ErrorMessage: message } = result;
  return code === undefined || code === ''
    ? undefined
    : { ...classifyEntryError(code), detail: codeAndMessage(code, message) };
}
