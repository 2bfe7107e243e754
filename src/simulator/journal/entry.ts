import type { PaymentEvent } from '../../payment/event.ts';
import type { Change } from '../../payment/lifecycle.ts';
import type { Payment, SimulatedChannel } from '../../payment/payment.ts';

/** What is the same in all entries. */
interface EntryBase {
  /** When it was noted, in milliseconds since the epoch by the machine's clock. */
  readonly atMs: number;
  /** The payment that it is about; empty: none that is known. */
  readonly paymentId: string;
  /** The tester's session that it belongs to; undefined: the global one, or its payment's. */
  readonly sessionId: string | undefined;
}

/** What was said in a call, as JSON. Made when somebody reads it: nearly nobody does. */
export interface CallTexts {
  /** Empty when the request could not be read. */
  request(): string;
  /** Empty when there was an error instead. */
  answer(): string;
}

/** A call that was answered. */
export interface CallEntry extends EntryBase {
  readonly kind: 'call';
  /** Such as `CreatePaymentIntent`. */
  readonly method: string;
  readonly texts: CallTexts;
  /** What the texts take in memory, in bytes. */
  readonly textBytes: number;
  /** A code of gRPC; 0 is OK. */
  readonly code: number;
  /** Of an error. */
  readonly message: string;
  readonly ruleIds: readonly string[];
  /** What was done to the answer on purpose. */
  readonly fault: 'error' | 'drop' | undefined;
  readonly durationMs: number;
}

/** A payment was made, or changed. */
export interface TransitionEntry extends EntryBase {
  readonly kind: 'transition';
  /** As it is since. */
  readonly payment: Payment;
  readonly eventId: string | undefined;
  readonly refundId: string | undefined;
  readonly reason: string | undefined;
}

/** What was sent in one attempt, made when somebody reads it. */
export interface AttemptTexts {
  headers(): Readonly<Record<string, string>>;
  /** Byte for byte. */
  body(): string;
}

/** One attempt to deliver an event. */
export interface Attempt {
  readonly texts: AttemptTexts;
  /** What the texts take in memory, in bytes. */
  readonly textBytes: number;
  /** Counts from 1, as far as the one who made it knows: an event that is sent again begins anew. */
  readonly number: number;
  /** By the machine's clock. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Undefined when there was no answer. */
  readonly statusCode: number | undefined;
  /** How the answer began. */
  readonly answer: string;
  /** Undefined when it was taken. */
  readonly error: string | undefined;
  /** What was done to it on purpose. */
  readonly fault: string | undefined;
}

/** How a delivery stands. `SIMULATED`: it has ended as a tester wanted it. */
export type DeliveryStatus = 'WAITING' | 'DELIVERED' | 'GIVEN_UP' | 'SIMULATED';

/** Something about the delivery of an event by a channel. */
export interface DeliveryEntry extends EntryBase {
  readonly kind: 'delivery';
  readonly event: PaymentEvent;
  readonly channel: SimulatedChannel;
  /** How it stands now. */
  readonly status: DeliveryStatus;
  /** The attempt that has ended; undefined when the entry tells of none. */
  readonly attempt: Attempt | undefined;
  /** When the next attempt is due, in milliseconds since the epoch; undefined when none is, or nobody knows yet. */
  readonly nextAttemptAtMs: number | undefined;
  /** Why it waits, or was given up. */
  readonly error: string | undefined;
  /** What a tester has done to it: the contract's fields. */
  readonly faults: readonly string[];
}

/** A session was reset: what came before is forgotten. Nobody is told of it. */
export interface ResetEntry extends EntryBase {
  readonly kind: 'reset';
  /** Undefined: all sessions were. */
  readonly resetSessionId: string | undefined;
}

/** So many things were left out, as nobody looked. Nobody is told of it but by their number. */
export interface GapEntry extends EntryBase {
  readonly kind: 'gap';
  readonly count: number;
}

/** Something that happened, as it can be told. Never changes. */
export type ToldEntry = CallEntry | TransitionEntry | DeliveryEntry;

/** What a journal is made of. */
export type JournalEntry = ToldEntry | ResetEntry | GapEntry;

/** The kinds of entries that can be told. */
export type EntryKind = ToldEntry['kind'];

const nothing: readonly string[] = [];

/** The entry of a new payment. */
export function createdEntry(payment: Payment, atMs: number): TransitionEntry {
  return transitionEntry(payment, atMs, undefined, undefined, undefined);
}

/** The entry of a change. */
export function changedEntry({ payment, event, refund, reason }: Change, atMs: number): TransitionEntry {
  return transitionEntry(payment, atMs, event?.id, event?.refund?.id ?? refund?.id, reason);
}

function transitionEntry(
  payment: Payment,
  atMs: number,
  eventId: string | undefined,
  refundId: string | undefined,
  reason: string | undefined,
): TransitionEntry {
  const { id: paymentId, extras } = payment;
  const sessionId = extras?.sessionId;
  return { kind: 'transition', atMs, paymentId, sessionId, payment, eventId, refundId, reason };
}

/** What an entry about a delivery may tell besides how it stands. */
type DeliveryNews = Partial<Pick<DeliveryEntry, 'attempt' | 'nextAttemptAtMs' | 'error' | 'faults'>>;

/** An entry about the delivery of an event. */
export function deliveryEntry(
  event: PaymentEvent,
  channel: SimulatedChannel,
  status: DeliveryStatus,
  atMs: number,
  { attempt, nextAttemptAtMs, error, faults = nothing }: DeliveryNews = {},
): DeliveryEntry {
  return {
    kind: 'delivery',
    atMs,
    paymentId: event.payment.id,
    sessionId: event.sessionId,
    event,
    channel,
    status,
    attempt,
    nextAttemptAtMs,
    error,
    faults,
  };
}

/** The entry of what was left out. */
export function gapEntry(count: number, atMs: number): GapEntry {
  return { kind: 'gap', atMs, paymentId: '', sessionId: undefined, count };
}

/** The entry of a reset. */
export function resetEntry(resetSessionId: string | undefined, atMs: number): ResetEntry {
  return { kind: 'reset', atMs, paymentId: '', sessionId: undefined, resetSessionId };
}
