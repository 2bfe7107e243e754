import type { MachineClock } from '../../base/clock.ts';
import type { Observer } from '../../base/observer.ts';
import { classifyCallError, classifyEntryError, codeAndMessage } from '../../aws/failures.ts';
import { afterAttempt, type Delivery } from '../delivery.ts';
import type { DeliveryReport } from '../observer.ts';
import type { EventBridgeEntry } from '../payload.ts';
import type { AttemptFailure } from '../retry-policy.ts';
import type { EntryResult, PutEvents } from './entry.ts';
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

/** So many calls in a row without an answer, of those for each event alone, say that AWS takes nothing for now. */
const failuresToStop = 2;

/** What came of a call. */
export interface CallEnd {
  /** Whether AWS took nothing and might take it later. */
  readonly isInVain: boolean;
  /** Why the call as a whole was not answered, or not taken for now. */
  readonly callFailure?: EntryFailure;
}

/**
 * One PutEvents call and what comes of it. A call that is refused for one of its entries is made again for
 * each of them alone: one bad entry must not take nine good ones with it.
 *
 * @returns whether AWS took nothing and might take it later, and why.
 */
export async function attemptBatch(
  deps: AttemptDeps,
  call: PutEvents,
  batch: readonly PendingEvent[],
): Promise<CallEnd> {
  const { machine, observe } = deps;
  const startedAtMs = machine.now();
  const startedAt = machine.monotonic();
  const before = batch.map(({ delivery }) => delivery);
  for (const pending of batch) {
    pending.delivery = afterAttempt(pending.delivery, startedAtMs);
  }
  const ended = (outcome: string) => {
    const durationMs = machine.monotonic() - startedAt;
    observe({ kind: 'call-ended', outcome, durationMs });
    return { startedAtMs, durationMs };
  };
  let results: readonly EntryResult[];
  try {
    results = await call(batch.map(deps.entryOf));
  } catch (error) {
    const failure = classifyCallError(error);
    const times = ended(failure.reason);
    if (failure.blamesEntries && batch.length > 1) {
      return await attemptEach(deps, call, batch, before);
    }
    tell(deps, batch, () => failure, times);
    concludeAll(deps, batch, failure);
    return failure.retryable ? { isInVain: true, callFailure: failure } : { isInVain: false };
  }
  const failures = batch.map((_, index) => failureOf(results[index]));
  const times = ended(failures.some((failure) => failure !== undefined) ? 'partly_failed' : 'accepted');
  tell(deps, batch, (index) => failures[index], times);
  deps.conclude(batch, failures);
  return { isInVain: failures.every((failure) => failure?.retryable) };
}

/** Tells of what was sent of each event; before what becomes of it. */
function tell(
  { observe, entryOf }: AttemptDeps,
  batch: readonly PendingEvent[],
  failureAt: (index: number) => EntryFailure | undefined,
  times: { readonly startedAtMs: number; readonly durationMs: number },
): void {
  const attempts = batch.map((pending, index) => ({
    delivery: pending.delivery,
    entry: entryOf(pending),
    error: failureAt(index)?.detail,
  }));
  observe({ kind: 'events-attempted', attempts, ...times });
}

/**
 * Attempts each event alone. When two calls in a row are not answered the others wait for their next attempt
 * instead of each for its own timeout; one alone may be due to its event.
 *
 * @param before the deliveries before the call for all: together with the one for each it is one attempt.
 */
async function attemptEach(
  deps: AttemptDeps,
  call: PutEvents,
  batch: readonly PendingEvent[],
  before: readonly Delivery[],
): Promise<CallEnd> {
  let end: CallEnd = { isInVain: false };
  let failedInARow = 0;
  for (const [index, pending] of batch.entries()) {
    if (!deps.isInFlight(pending)) {
      continue;
    }
    pending.delivery = before[index] ?? pending.delivery;
    end = await attemptBatch(deps, call, [pending]);
    failedInARow = end.callFailure === undefined ? 0 : failedInARow + 1;
    if (end.callFailure !== undefined && failedInARow === failuresToStop) {
      concludeAll(deps, batch.slice(index + 1).filter(deps.isInFlight), end.callFailure);
      return end;
    }
  }
  // An entry that cannot be taken for now says nothing about the others.
  return { isInVain: end.callFailure !== undefined };
}

function concludeAll(deps: AttemptDeps, events: readonly PendingEvent[], failure: EntryFailure): void {
  deps.conclude(
    events,
    events.map(() => failure),
  );
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
