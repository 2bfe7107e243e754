/** What became of one webhook, as far as it has come. */
export interface SentWebhook {
  readonly paymentId: string;
  readonly reservationId: string;
  /** The same in every attempt. */
  readonly eventId: string;
  /** `payment.refund_updated` for a refund that leaves the status as it is. */
  readonly eventType: 'payment.status_updated' | 'payment.refund_updated';
  /** Counts the events of the payment from 1. */
  readonly sequence: number;
  readonly status: 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'REFUNDED' | 'EXPIRED';
  readonly url: string;
  /** Attempts made so far. */
  readonly attempts: number;
  /** `pending` until it is delivered or given up. */
  readonly outcome: 'pending' | 'delivered' | 'given_up';
  /** Of the last attempt, undefined before the first. The body is the very text that was signed. */
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Of the last answer, undefined when there was none. */
  readonly statusCode: number | undefined;
  /** What the last attempt failed with, undefined when it did not. */
  readonly error: string | undefined;
}

/** A payment that has its outcome. */
export interface SettledOutcome {
  readonly paymentId: string;
  readonly reservationId: string;
  readonly userId: string;
  readonly status: 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'REFUNDED' | 'EXPIRED';
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  /** The id under which webhook and event tell its status. */
  readonly eventId: string;
}

/** How long to wait, in milliseconds; 10,000 unless told otherwise. */
export interface WaitOptions {
  readonly timeoutMs?: number;
}
