/** The body of a webhook, as a receiver gets it. */
export interface PaymentWebhook {
  readonly payment_id: string;
  readonly reservation_id: string;
  /**
   * `PAYMENT_STATUS_COMPLETED`, `_FAILED`, `_CANCELLED`, `_REFUNDED` or `_EXPIRED`; more may come with later
   * versions.
   */
  readonly status: `PAYMENT_STATUS_${string}`;
  /** Minor units. */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
  /** Unix seconds of this attempt. */
  readonly timestamp: number;
  /**
   * `payment.status_updated`, or `payment.refund_updated` for a refund of a part and one that failed, which leave
   * the status as it is; more may come with later versions.
   */
  readonly event_type: string;
  /** The same in every attempt: use it to ignore repeats. */
  readonly event_id: string;
  /** Counts the events of the payment from 1: what comes with a lower one than was seen before is out of date. */
  readonly sequence?: number;
  /** `txn-<uuid>`; absent when nobody was asked for money. */
  readonly transaction_id?: string;
  /** Why the payment failed, or the refund. */
  readonly failure_code?: string;
  /** `rfd-<uuid>`; of a refund, as what follows. */
  readonly refund_id?: string;
  /** `SUCCEEDED` or `FAILED`. */
  readonly refund_status?: string;
  /** How much of the payment has gone back by then, in minor units. */
  readonly refunded_amount?: number;
}

const textFields = [
  'payment_id',
  'reservation_id',
  'status',
  'currency',
  'event_type',
  'event_id',
] as const satisfies readonly (keyof PaymentWebhook)[];
const integerFields = ['amount', 'timestamp'] as const satisfies readonly (keyof PaymentWebhook)[];

/** Bytes that are no UTF-8 are an error. */
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the body of a webhook. Fields that are not known are kept, as later versions may add some.
 *
 * @throws Error that names what is wrong.
 */
export function parsePaymentWebhook(body: Uint8Array): PaymentWebhook {
  const value: unknown = JSON.parse(decoder.decode(body));
  assertPaymentWebhook(value);
  return value;
}

function assertPaymentWebhook(value: unknown): asserts value is PaymentWebhook {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError('is not a JSON object');
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const name of textFields) {
    if (typeof fields.get(name) !== 'string') {
      throw new TypeError(`${name} is not text`);
    }
  }
  for (const name of integerFields) {
    if (!Number.isSafeInteger(fields.get(name))) {
      throw new TypeError(`${name} is not a whole number`);
    }
  }
  if (!String(fields.get('status')).startsWith('PAYMENT_STATUS_')) {
    throw new TypeError('status is not a payment status');
  }
}
