/** The body of a webhook, as a receiver gets it. */
export interface PaymentWebhook {
  readonly payment_id: string;
  readonly reservation_id: string;
  /** `PAYMENT_STATUS_COMPLETED` or `PAYMENT_STATUS_FAILED`; more may come with later versions. */
  readonly status: `PAYMENT_STATUS_${string}`;
  /** Minor units. */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
  /** Unix seconds of this attempt. */
  readonly timestamp: number;
  /** `payment.status_updated`; more may come with later versions. */
  readonly event_type: string;
  /** The same in every attempt: use it to ignore repeats. */
  readonly event_id: string;
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
