import type { Payment, PendingPayment, SettledPayment, Settlement } from '../payment/payment.ts';

/** How a compare-and-set settlement ended. */
export interface SettleResult {
  /** The payment as it is stored now. */
  readonly payment: SettledPayment;
  /** True for the one call that settled it, false for all that came later. */
  readonly settledNow: boolean;
}

/**
 * Remembers payments: pending ones until they settle, settled ones until their time to live ends. The way
 * in is `PaymentIntake`.
 */
export interface PaymentStore {
  /** The payment, or undefined when it was never stored or has left. */
  get(paymentId: string): Promise<Payment | undefined>;
  /**
   * Settles the payment if, and only if, it is still pending; undefined when it is unknown.
   *
   * @param decide makes the settlement; called for a pending payment alone, and in vain when another
   * caller is faster.
   */
  settle(
    paymentId: string,
    decide: (payment: PendingPayment) => Settlement,
  ): Promise<SettleResult | undefined>;
  /** How many payments are stored, for the metrics. */
  count(): StoredPayments | Promise<StoredPayments>;
  close(): Promise<void>;
}

/** How many payments are stored, by state; `settled` only where counting them costs nothing. */
export interface StoredPayments {
  readonly pending: number;
  readonly settled?: number;
}

/** Takes new payments in. */
export interface PaymentIntake {
  /**
   * Schedules the settlement of a new payment and stores it: both or neither, and never a payment
   * without its schedule, which would stay PENDING for ever. Registering an id again changes nothing.
   * `'full'` when there is room for none because all stored ones are pending.
   */
  register(payment: PendingPayment): Promise<'registered' | 'full'>;
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

/** Calls back when payments are due to settle. */
export interface SettlementScheduler {
  /**
   * Starts to call `settle` for every due payment; called once, before anything is scheduled. A
   * scheduler that outlives the process calls again when `settle` fails or the process dies in it, so
   * it may be called more than once for a payment.
   */
  start(settle: (paymentId: string, dueAtMs: number) => Promise<void>): void;
  /** Remembers that the payment is due at `dueAtMs` (milliseconds since the epoch). */
  schedule(paymentId: string, dueAtMs: number): Promise<void>;
  /**
   * Lets `settle` be called now, here or in another process, instead of at `dueAtMs` (as given to
   * `schedule`). True when it is certain to be called or is being called, false when the payment is
   * not scheduled (any more).
   */
  hasten(paymentId: string, dueAtMs: number): Promise<boolean>;
  /** Forgets a payment that need not be settled any more; `dueAtMs` as given to `schedule`. */
  cancel(paymentId: string, dueAtMs: number): Promise<void>;
  /**
   * Ends the work of this process. If nobody else would settle them, payments due up to `untilMs` are
   * settled on time and later ones right away, and the promise resolves when all are settled. Otherwise
   * no more are taken, and it resolves when those under way have ended, at `untilMs` at the latest.
   */
  drain(untilMs: number): Promise<void>;
  /** How many are scheduled, for the metrics. */
  size(): number | Promise<number>;
}

/** Holds deliveries that wait for their next attempt. */
export interface DeliveryQueue<Delivery> {
  /**
   * Starts to call `attempt` for every due delivery; called once, before anything is added. A queue
   * that outlives the process calls again when `attempt` fails or the process dies in it.
   */
  start(attempt: (delivery: Delivery) => Promise<void>): void;
  /**
   * Holds the delivery until `dueAtMs` (milliseconds since the epoch). `'refused'` when nobody would
   * attempt it then, because this process is draining, `'full'` when there is no room, in all or for
   * deliveries to the same origin: the caller must account for it.
   */
  add(delivery: Delivery, dueAtMs: number): Promise<'held' | 'refused' | 'full'>;
  /**
   * Prepares for the end of this process: from now on only deliveries due up to `untilMs` are held.
   * Returns the later ones that nobody else would attempt, for the caller to account for. Where others
   * would, this process attempts no more, and holds what comes for them. May be called again with an
   * earlier time.
   */
  drain(untilMs: number): Promise<readonly Delivery[]>;
  /** How many wait that nobody but this process would attempt. */
  heldHere(): number;
  /** How many wait, for the metrics. */
  size(): number | Promise<number>;
}

/** How one attempt to deliver a webhook went. */
export interface LoggedAttempt {
  /** Counts from 1. */
  readonly attempt: number;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Undefined when there was no complete answer. */
  readonly statusCode: number | undefined;
  /** Undefined when it was delivered. */
  readonly error: string | undefined;
}

/** Remembers the webhook attempts of every payment, as long as the payment itself is remembered. */
export interface AttemptLog {
  /**
   * Notes an attempt.
   *
   * @param settledAtMs when the payment settled (milliseconds since the epoch), which is when its
   *   time to live began.
   */
  record(paymentId: string, settledAtMs: number, attempt: LoggedAttempt): Promise<void>;
  /** The attempts of a payment, the first one first; none when nothing is known of it. */
  list(paymentId: string): Promise<readonly LoggedAttempt[]>;
  close(): Promise<void>;
}
