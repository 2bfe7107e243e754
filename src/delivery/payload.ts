import type { PaymentEvent, PaymentEventType } from '../payment/event.ts';

/** The `event_type` of the webhooks that tell a change of status. */
export const webhookEventType: PaymentEventType = 'payment.status_updated';
/** The `detail-type` of every EventBridge event. */
export const eventBridgeDetailType = 'Payment Status Updated';

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
  const { trace, userId } = event.payment;
  return JSON.stringify({
    ...webhookFields(event, timestampSeconds),
    user_id: userId,
    ...(trace?.traceparent !== undefined && {
      trace_context: { traceparent: trace.traceparent, tracestate: trace.tracestate },
    }),
    ...(trace?.requestId !== undefined && { request_id: trace.requestId }),
  });
}

function webhookFields({ id, type, payment }: PaymentEvent, timestampSeconds: number) {
  return {
    payment_id: payment.id,
    reservation_id: payment.reservationId,
    status: `PAYMENT_STATUS_${payment.status}`,
    amount: payment.money.amount,
    currency: payment.money.currency,
    timestamp: timestampSeconds,
    event_type: type,
    event_id: id,
  };
}
