import type { PaymentEvent } from '../payload.ts';

/** A webhook that was given up, as its log line tells it. */
export interface GivenUpWebhook {
  readonly event: PaymentEvent;
  readonly url: string;
}

/** Reads a log line; undefined for every line but a `Webhook given up` that has all there is to say. */
export function readGivenUpWebhook(line: string): GivenUpWebhook | undefined {
  const fields = parseObject(line);
  if (fields === undefined || fields['msg'] !== 'Webhook given up') {
    return undefined;
  }
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === 'string' ? value : '';
  };
  const { amount } = fields;
  const status = text('status');
  const requestId = text('request_id');
  const texts = ['event_id', 'payment_id', 'reservation_id', 'user_id', 'currency', 'webhook_url'];
  if (
    texts.some((name) => text(name) === '') ||
    typeof amount !== 'number' ||
    (status !== 'COMPLETED' && status !== 'FAILED')
  ) {
    return undefined;
  }
  return {
    url: text('webhook_url'),
    event: {
      eventId: text('event_id'),
      paymentId: text('payment_id'),
      reservationId: text('reservation_id'),
      userId: text('user_id'),
      status,
      amount,
      currency: text('currency'),
      ...(requestId !== '' && {
        trace: { traceparent: undefined, tracestate: undefined, requestId },
      }),
    },
  };
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
