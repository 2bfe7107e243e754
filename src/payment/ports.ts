import type { PaymentEvent } from './event.ts';
import type { Change, Decide } from './lifecycle.ts';
import type { PageQuery, PaymentFilter, PaymentPage } from './page.ts';
import type { Payment, PendingPayment, SettlementStatus, SettledPayment } from './payment.ts';

/** How an attempt to change a payment ended. */
export interface Transition {
  /** The payment as it is stored now. */
  readonly payment: Payment;
  /** True for the one call that made the change, false when nothing was to be done. */
  readonly changed: boolean;
}

/** How many payments are stored, by state; `settled` only where counting them costs nothing. */
export interface StoredPayments {
  readonly pending: number;
  readonly settled?: number;
}

/** What became of a payment that was to be stored. */
export type Registration = 'registered' | 'full' | 'out-of-bytes';

/** The same of one with an idempotency key; an id when it is not that of the payment. */
export type KeyedRegistration =
  Registration | 'mismatch' | { readonly replayed: string } | { readonly registered: string };

/** What the domain does for the payments that are kept. */
export interface PaymentHandlers {
  /** What becomes of a payment that is due. As pure as a `Decide`. */
  settle(payment: PendingPayment): Change;
  /** What becomes of a refund that is due, undefined when it is not under way. As pure as a `Decide`. */
  endRefund(payment: SettledPayment, refundId: string): Change | undefined;
  /** A change was made by this process. Must not throw. */
  changed(change: Change): void;
  /**
   * Tells an event. Where payments outlive the process it is called again, here or in another process, when
   * it fails or the process dies in it: at least once for every event. Does not throw.
   *
   * @returns what ends when the event would not be lost with the process; undefined when nobody need wait.
   */
  announce(event: PaymentEvent): Promise<void> | undefined;
  /**
   * Whether the ways out have room for another event, so that a process that ends can settle payments early
   * as fast as their events leave. Must not throw.
   *
   * @param origin of the webhook: scheme, host and port; undefined without one.
   */
  hasRoom(origin: string | undefined): boolean;
  /** A payment or refund that was due did not settle, or an event was not announced. Must not throw. */
  failed(paymentId: string, error: unknown): void;
}

/**
 * Keeps payments, pending ones until they settle, settled ones until their time to live ends, and knows when
 * they are due. Whatever changes a payment, its event is announced, in whichever order a crash may come.
 */
export interface Payments {
  /** Says what to do with payments that are due; called once, before anything is registered. */
  start(handlers: PaymentHandlers): void;
  /**
   * Stores a new payment and schedules its settlement: both or neither, and never a payment without its
   * schedule, which would stay PENDING for ever. Registering an id again changes nothing. When there is no
   * room because all stored ones are pending: `'full'` by their number, `'out-of-bytes'` by what they take.
   */
  register(payment: PendingPayment): Promise<Registration>;
  /**
   * As `register`, once for a key; both are stored together, or neither. Where there is none, keys of creates are kept
   * as all others, in an `IdempotencyStore`.
   *
   * @returns as `register`, or the id that it was registered under instead, since the place of keys had changed; or the
   *   id that the same call was given before, or `'mismatch'` for another call with the key.
   */
  readonly registerOnce?: (payment: PendingPayment, call: IdempotentCall) => Promise<KeyedRegistration>;
  /** A new payment's id as it must be where the place of a payment is in its id: in that of the key, if it has one. */
  readonly placed?: (paymentId: string, key: string | undefined) => string;
  /** The payment, or undefined when it was never stored or has left. */
  get(paymentId: string): Promise<Payment | undefined>;
  /**
   * Changes a payment as `decide` says, if nobody else changes it at the same time; otherwise `decide` is
   * asked again. Undefined when the payment is unknown.
   */
  transition(paymentId: string, decide: Decide): Promise<Transition | undefined>;
  /**
   * Settles a pending payment now instead of when it is due. Undefined when the payment is unknown.
   */
  hasten(paymentId: string): Promise<Transition | undefined>;
  /**
   * Lets a pending payment be due at another time, in milliseconds since the epoch by the simulation's
   * clock, and with another outcome where one is given. False when it is not pending, or is settling right now.
   */
  reschedule(paymentId: string, dueAtMs: number, outcome?: SettlementStatus): Promise<boolean>;
  /**
   * Announces an event when it is due, by the simulation's clock, whether or not it was announced before and
   * whatever becomes of its payment.
   *
   * @throws PaymentError `too-many-bytes-pending` where there is no room for it to wait.
   */
  announceAt(event: PaymentEvent, dueAtMs: number): Promise<void>;
  /**
   * A page of the stored payments, the newest first.
   *
   * @throws PaymentError `no-index` where they are not kept in such an order.
   */
  list(query: PageQuery): Promise<PaymentPage>;
  /**
   * Removes the payments that fit. Pending ones never settle, and nothing is told of any of them but what is on
   * its way already.
   *
   * @returns how many.
   * @throws PaymentError `no-index` as `list` does.
   */
  remove(filter: PaymentFilter): Promise<number>;
  /**
   * Ends the work of this process within `withinMs` of the machine's time. If nobody else would do it, refunds
   * under way end and events that wait for their time are announced at once, payments that are due in that time
   * are settled on time, and all others as soon as there is room for their events; at the end what has not
   * settled settles, even if the simulation's clock stands still. Otherwise no more are taken, and it resolves
   * when those under way have ended or the time is over.
   */
  drain(withinMs: number): Promise<void>;
  /** How many payments are stored, for the metrics. */
  count(): StoredPayments | Promise<StoredPayments>;
  /** How many settlements are scheduled, for the metrics. */
  scheduled(): number | Promise<number>;
}

/** A use of an idempotency key. */
export interface IdempotentCall {
  /** The key, with whatever scopes it. */
  readonly key: string;
  /** Stands for the parameters; equal parameters have equal fingerprints. */
  readonly fingerprint: string;
}

/** What an idempotent call came to. */
export type IdempotentResult =
  { readonly outcome: 'executed' | 'replayed'; readonly value: string } | { readonly outcome: 'mismatch' };

/** Remembers idempotency keys for a while (24 h unless told otherwise). */
export interface IdempotencyStore {
  /**
   * Runs `execute` once per key. A later or concurrent call with the same fingerprint gets the same
   * value, waiting for the end of `execute` if need be; one with another fingerprint gets
   * `'mismatch'`. When `execute` fails, the key is free again and the failure goes to all who wait in
   * this process.
   *
   * @param propose makes the value, which is reserved with the key.
   * @param execute does what the value stands for. Should the process die in it, the next call with
   *   the key does it again with the same value, so it must not mind being done twice.
   */
  once(
    call: IdempotentCall,
    propose: () => string,
    execute: (value: string) => Promise<unknown>,
  ): Promise<IdempotentResult>;
  close(): Promise<void>;
}
