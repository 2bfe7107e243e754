import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { traceFields } from '../../base/call-trace.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import { webhookEventType } from '../payload.ts';
import { type ChannelName, type DeadLetter, isoTime } from '../dead-letter.ts';

/* The log line of a dead letter, and how `webhooks:resend` reads it again. */

/** What the log says of a letter. */
export const deadLetterLines: Readonly<Record<ChannelName, string>> = {
  eventbridge: 'EventBridge event given up',
  webhook: 'Webhook given up',
};

/** The line's own keys: all that is needed to deliver the event by hand. */
export function deadLetterFields({ channel, delivery, url, reason, error }: DeadLetter) {
  const { event } = delivery;
  const { payment } = event;
  return {
    channel,
    payment_id: payment.id,
    reservation_id: payment.reservationId,
    user_id: payment.userId,
    status: payment.status,
    amount: payment.money.amount,
    currency: payment.money.currency,
    event_id: event.id,
    ...traceFields(payment.trace),
    ...(url !== undefined && { webhook_url: url }),
    reason,
    attempts: delivery.attempts,
    settled_at: isoTime(event.occurredAtMs),
    first_attempt_at: isoTime(delivery.firstAttemptAtMs),
    last_attempt_at: isoTime(delivery.lastAttemptAtMs),
    error,
  };
}

/** A webhook that was given up, as its log line tells it. */
export interface GivenUpWebhook {
  readonly event: PaymentEvent;
  readonly url: string;
}

/** Reads a log line; undefined for every line but that of a webhook given up that has all there is to say. */
export function readGivenUpWebhook(line: string): GivenUpWebhook | undefined {
  const fields = parseObject(line);
  if (fields === undefined || fields['msg'] !== deadLetterLines.webhook) {
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
  const payment = {
    id: text('payment_id'),
    reservationId: text('reservation_id'),
    userId: text('user_id'),
    status,
    money: { amount, currency: text('currency') },
    trace: requestId === '' ? undefined : { traceparent: undefined, tracestate: undefined, requestId },
  } as const;
  const url = text('webhook_url');
  return {
    url,
    event: {
      id: text('event_id'),
      type: webhookEventType,
      sequence: 1,
      occurredAtMs: Date.parse(text('settled_at')),
      destination: url,
      payment,
    },
  };
}

function parseObject(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
