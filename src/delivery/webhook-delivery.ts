import type { PaymentEvent } from './payment-event.ts';

/** An event on its way to one webhook address; plain data, so that a queue may store it. */
export interface WebhookDelivery {
  readonly event: PaymentEvent;
  readonly url: string;
  /** Attempts made so far. */
  readonly attempts: number;
  /** When the delivery was created, in milliseconds since the epoch. */
  readonly createdAtMs: number;
}
