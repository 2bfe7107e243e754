import type { PaymentEvent } from '../payload.ts';

/** An event on its way to one webhook address; plain data, so that a queue may store it. */
export interface WebhookDelivery {
  readonly event: PaymentEvent;
  readonly url: string;
  /** Attempts made so far. */
  readonly attempts: number;
  /** How often it waited without an attempt since, because its origin was not to be called. */
  readonly waits?: number;
  /** When the delivery was created, which is when the payment settled, in milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** When the last attempt began, in milliseconds since the epoch; absent before the first. */
  readonly lastAttemptAtMs?: number;
}
