import type { CallTrace } from '../base/call-trace.ts';
import type { FinalStatus, SettledPayment } from '../payment/payment.ts';

/** The `event_type` of every webhook. */
export const webhookEventType = 'payment.status_updated';
/** The `detail-type` of every EventBridge event. */
export const eventBridgeDetailType = 'Payment Status Updated';

/** The outcome of a payment, told once per channel under one id. */
export interface PaymentEvent {
  /** `evt-<uuid>`, the same on every channel and in every attempt. */
  readonly eventId: string;
  readonly paymentId: string;
  readonly reservationId: string;
  readonly userId: string;
  readonly status: FinalStatus;
  /** Minor units, 1 to 2^53-1. */
  readonly amount: number;
  readonly currency: string;
  /** Where the call that created the payment belongs. */
  readonly trace?: CallTrace | undefined;
}

/** The event that tells the settlement of `payment`. */
export function toPaymentEvent(payment: SettledPayment): PaymentEvent {
  return {
    eventId: payment.eventId,
    paymentId: payment.id,
    reservationId: payment.reservationId,
    userId: payment.userId,
    status: payment.status,
    amount: payment.money.amount,
    currency: payment.money.currency,
    trace: payment.trace,
  };
}

/**
 * The JSON body of the webhook.
 *
 * @param timestampSeconds when this attempt is made, in Unix seconds.
 */
export function encodeWebhookBody(event: PaymentEvent, timestampSeconds: number): string {
  return JSON.stringify(webhookFields(event, timestampSeconds));
}

/**
 * The JSON `Detail` of the EventBridge entry: the webhook's body plus the payer, and the trace where
 * the caller sent one.
 *
 * @param timestampSeconds when the entry is made, in Unix seconds.
 */
export function encodeEventBridgeDetail(event: PaymentEvent, timestampSeconds: number): string {
  const { trace, userId } = event;
  return JSON.stringify({
    ...webhookFields(event, timestampSeconds),
    user_id: userId,
    ...(trace?.traceparent !== undefined && {
      trace_context: { traceparent: trace.traceparent, tracestate: trace.tracestate },
    }),
    ...(trace?.requestId !== undefined && { request_id: trace.requestId }),
  });
}

function webhookFields(event: PaymentEvent, timestampSeconds: number) {
  return {
    payment_id: event.paymentId,
    reservation_id: event.reservationId,
    status: `PAYMENT_STATUS_${event.status}`,
    amount: event.amount,
    currency: event.currency,
    timestamp: timestampSeconds,
    event_type: webhookEventType,
    event_id: event.eventId,
  };
}
