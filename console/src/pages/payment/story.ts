import { type Timestamp, durationMs, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type CallEntry,
  type Delivery,
  type DeliveryAttempt,
  DeliveryStatus,
  type JournalEntry,
  type TransitionEntry,
} from '../../../../gen/simulator/v1/simulator_pb.js';
import { PaymentStatus } from '../../../../gen/payment/v1/payment_pb.js';

/* What the journal says of one payment, as a story. Pure. */

/** Something worth telling. */
export type Moment = { readonly key: string; readonly atMs: number; readonly at: Timestamp | undefined } & (
  | { readonly kind: 'call'; readonly call: CallEntry }
  | { readonly kind: 'transition'; readonly transition: TransitionEntry }
  | { readonly kind: 'attempt'; readonly delivery: Delivery; readonly attempt: DeliveryAttempt }
  | { readonly kind: 'delivery'; readonly delivery: Delivery }
);

/** Something that will happen by itself. */
export interface Next {
  readonly kind: 'settles' | 'attempt';
  readonly at: Timestamp;
  /** Of an attempt. */
  readonly delivery?: Delivery;
}

/** More are of no use to a reader, and would make the page slow. */
const maxEntries = 500;

/** Adds what came; after a cut the same may come again. */
export function keepNewest(
  before: readonly JournalEntry[],
  came: readonly JournalEntry[],
): readonly JournalEntry[] {
  const known = new Set(before.map(({ cursor }) => cursor));
  return [...before, ...came.filter(({ cursor }) => !known.has(cursor))].slice(-maxEntries);
}

/** The moments in their order. A call is told when it came, which is before what it did. */
export function momentsOf(entries: readonly JournalEntry[]): readonly Moment[] {
  return entries.flatMap(momentOf).toSorted((a, b) => a.atMs - b.atMs);
}

function momentOf({ cursor: key, time, what }: JournalEntry): readonly Moment[] {
  const endMs = time === undefined ? 0 : timestampMs(time);
  switch (what.case) {
    case 'call': {
      const { duration } = what.value;
      const atMs = endMs - (duration === undefined ? 0 : durationMs(duration));
      return [{ key, kind: 'call', at: timestampFromMs(atMs), atMs, call: what.value }];
    }
    case 'transition':
      return [{ key, kind: 'transition', at: time, atMs: endMs, transition: what.value }];
    case 'delivery': {
      const delivery = what.value;
      const [attempt] = delivery.attempts;
      if (attempt !== undefined) {
        return [{ key, kind: 'attempt', at: attempt.startedAt, atMs: endMs, delivery, attempt }];
      }
      return isWorthTelling(delivery) ? [{ key, kind: 'delivery', at: time, atMs: endMs, delivery }] : [];
    }
    case undefined:
      return [];
  }
}

/** That an event is on its way is told by its attempts, that an attempt was taken by the attempt. */
function isWorthTelling({ status, nextAttemptAt, faults }: Delivery): boolean {
  return (
    status === DeliveryStatus.GIVEN_UP ||
    status === DeliveryStatus.SIMULATED ||
    (status === DeliveryStatus.WAITING && (nextAttemptAt !== undefined || faults.length > 0))
  );
}

/** What comes next, the soonest first. */
export function nextOf(entries: readonly JournalEntry[]): readonly Next[] {
  let settles: Next | undefined;
  const attempts = new Map<string, Next>();
  for (const { what } of entries) {
    if (what.case === 'transition') {
      const { payment, dueAt } = what.value;
      settles =
        payment?.status === PaymentStatus.PENDING && dueAt !== undefined
          ? { kind: 'settles', at: dueAt }
          : undefined;
    } else if (what.case === 'delivery') {
      const delivery = what.value;
      const key = `${delivery.eventId} ${delivery.channel}`;
      const { nextAttemptAt: at, status } = delivery;
      if (at !== undefined && status === DeliveryStatus.WAITING) {
        attempts.set(key, { kind: 'attempt', at, delivery });
      } else {
        attempts.delete(key);
      }
    }
  }
  return [...(settles === undefined ? [] : [settles]), ...attempts.values()].toSorted(
    (a, b) => timestampMs(a.at) - timestampMs(b.at),
  );
}

/** The call that made the payment, as long as it is remembered. */
export function createCallOf(entries: readonly JournalEntry[]): CallEntry | undefined {
  for (const { what } of entries) {
    if (what.case === 'call' && what.value.method === 'CreatePaymentIntent' && what.value.request !== '') {
      return what.value;
    }
  }
  return undefined;
}

/** Where the outcome is told, as far as it is remembered. */
export function webhookUrlOf(entries: readonly JournalEntry[]): string {
  for (const { what } of entries) {
    if (what.case === 'delivery' && what.value.url !== '') {
      return what.value.url;
    }
  }
  const request = createCallOf(entries)?.request;
  const url: unknown = request === undefined ? undefined : JSON.parse(request).webhook_url;
  return typeof url === 'string' ? url : '';
}
