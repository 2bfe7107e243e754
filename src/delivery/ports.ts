import type { CallTrace } from '../base/call-trace.ts';
import type { PaymentEvent } from '../payment/event.ts';
import type { Delivery } from './delivery.ts';
import type { AttemptFailure } from './retry-policy.ts';

/** Holds deliveries that wait for their next attempt. */
export interface DeliveryQueue<D extends Delivery> {
  /**
   * Starts to call `attempt` for every due delivery; called once, before anything is added. A queue
   * that outlives the process calls again when `attempt` fails or the process dies in it.
   */
  start(attempt: (delivery: D) => Promise<void> | undefined): void;
  /**
   * Holds the delivery for `delayMs`. `'refused'` when nobody would attempt it then, because this process
   * is draining, `'full'` when there is no room, in all or for deliveries to the same origin: the caller
   * must account for it.
   */
  add(delivery: D, delayMs: number): Promise<'held' | 'refused' | 'full'>;
  /**
   * Prepares for the end of this process: from now on only deliveries due within `withinMs` are held, with 0
   * none. Returns the others that nobody else would attempt, for the caller to account for. Where others
   * would, this process attempts no more, and holds what comes for them. May be called again with a
   * shorter time.
   */
  drain(withinMs: number): Promise<readonly D[]>;
  /** Makes all that wait due now: what they failed for has passed. Never throws; may end later. */
  hurry(): void;
  /** Takes back one of those held the longest that nobody but this process would attempt. */
  takeOldest(): D | undefined;
  /** How many wait that nobody but this process would attempt. */
  heldHere(): number;
  /** How many wait, for the metrics. */
  size(): number | Promise<number>;
}

/** How one attempt to deliver a webhook went. */
export interface LoggedAttempt {
  /** Counts from 1. */
  readonly attempt: number;
  /** Milliseconds since the epoch, by the machine's clock. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Undefined when there was no complete answer. */
  readonly statusCode: number | undefined;
  /** Undefined when it was delivered. */
  readonly error: string | undefined;
}

/** Remembers the webhook attempts of every event, as long as its payment is remembered. */
export interface AttemptLog {
  /**
   * Notes an attempt. The event's time to live begins when it occurred.
   *
   * @returns undefined when it is noted already, which saves a promise for each attempt.
   */
  record(event: PaymentEvent, attempt: LoggedAttempt): Promise<void> | undefined;
  /** The attempts at an event, the first one first; none when nothing is known of it. */
  list(paymentId: string, eventId: string): Promise<readonly LoggedAttempt[]>;
  close(): Promise<void>;
}

/** An attempt at a delivery, as a span of a trace. */
export interface AttemptSpan {
  /** Goes out with the attempt: what the receiver does belongs under it. */
  readonly trace: CallTrace;
  /**
   * Called once, when the attempt has ended.
   *
   * @param failure undefined when it was delivered.
   * @param statusCode of a webhook's answer, where there was one.
   */
  end(failure: AttemptFailure | undefined, statusCode?: number): void;
}

/** Begins the span of the next attempt at a delivery. Never throws. */
export type StartAttemptSpan<D extends Delivery> = (delivery: D) => AttemptSpan;
