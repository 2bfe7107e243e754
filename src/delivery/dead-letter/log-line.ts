import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { traceFields } from '../../base/call-trace.ts';
import type { EventRefund, PaymentEvent } from '../../payment/event.ts';
import type { SettledStatus } from '../../payment/payment.ts';
import { type ChannelName, type DeadLetter, isoTime } from '../dead-letter.ts';

/* The log line of a dead letter, and how `payment-sim deliveries resend` reads it again. */

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
    event_type: event.type,
    sequence: event.sequence,
    ...(payment.transactionId !== '' && { transaction_id: payment.transactionId }),
    ...(payment.failureCode !== undefined && { failure_code: payment.failureCode }),
    ...(event.refund !== undefined && refundFields(event.refund)),
    ...(event.sessionId !== undefined && { session_id: event.sessionId }),
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

function refundFields({ id, status, refundedAmount, failureCode }: EventRefund) {
  return {
    refund_id: id,
    refund_status: status,
    refunded_amount: refundedAmount,
    ...(failureCode !== undefined && { failure_code: failureCode }),
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
  const { amount, sequence } = fields;
  const status = settledStatuses.find((each) => each === text('status'));
  const requestId = text('request_id');
  const texts = ['event_id', 'payment_id', 'reservation_id', 'user_id', 'currency', 'webhook_url'];
  if (texts.some((name) => text(name) === '') || typeof amount !== 'number' || status === undefined) {
    return undefined;
  }
  const refund = readRefund(fields, text);
  const payment = {
    id: text('payment_id'),
    reservationId: text('reservation_id'),
    userId: text('user_id'),
    status,
    money: { amount, currency: text('currency') },
    trace: requestId === '' ? undefined : { traceparent: undefined, tracestate: undefined, requestId },
    transactionId: text('transaction_id'),
    // With a refund it is the refund's.
    failureCode: refund === undefined ? text('failure_code') || undefined : undefined,
  } as const;
  const url = text('webhook_url');
  return {
    url,
    event: {
      id: text('event_id'),
      type:
        text('event_type') === 'payment.refund_updated' ? 'payment.refund_updated' : 'payment.status_updated',
      // Lines of 0.1 have none.
      sequence: typeof sequence === 'number' ? sequence : 1,
      occurredAtMs: Date.parse(text('settled_at')),
      destination: url,
      payment,
      sessionId: text('session_id') || undefined,
      delivery: undefined,
      refund,
    },
  };
}

const settledStatuses: readonly SettledStatus[] = ['COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED', 'EXPIRED'];

function readRefund(fields: JsonObject, text: (name: string) => string): EventRefund | undefined {
  const { refunded_amount: refundedAmount } = fields;
  return typeof refundedAmount !== 'number'
    ? undefined
    : {
        id: text('refund_id'),
        status: text('refund_status') === 'SUCCEEDED' ? 'SUCCEEDED' : 'FAILED',
        refundedAmount,
        failureCode: text('failure_code') || undefined,
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
