import type { CallTrace } from '../base/call-trace.ts';
import type { PaymentEvent, PaymentEventType } from '../payment/event.ts';

/** The `detail-type` of EventBridge events. Rules for changes of status need not know of the other. */
export const eventBridgeDetailTypes: Readonly<Record<PaymentEventType, string>> = {
  'payment.status_updated': 'Payment Status Updated',
  'payment.refund_updated': 'Payment Refund Updated',
};

/** One entry of a PutEvents call. */
export interface EventBridgeEntry {
  readonly Source: string;
  readonly DetailType: string;
  readonly EventBusName: string;
  /** JSON. */
  readonly Detail: string;
  readonly Time: Date;
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
 * The JSON `Detail` of the EventBridge entry: the webhook's body plus the payer, the tester's session where there is
 * one, and the trace where there is one.
 *
 * @param timestampSeconds when the entry is made, in Unix seconds.
 * @param trace that of the payment, unless the attempt has a span.
 */
export function encodeEventBridgeDetail(
  event: PaymentEvent,
  timestampSeconds: number,
  trace: CallTrace | undefined = event.payment.trace,
): string {
  const { userId } = event.payment;
  return JSON.stringify({
    ...webhookFields(event, timestampSeconds),
    user_id: userId,
    session_id: event.sessionId,
    ...(trace?.traceparent !== undefined && {
      trace_context: { traceparent: trace.traceparent, tracestate: trace.tracestate },
    }),
    ...(trace?.requestId !== undefined && { request_id: trace.requestId }),
  });
}

/** Without those that are undefined; the first eight are in every event, and always were. */
function webhookFields({ id, type, sequence, payment, refund }: PaymentEvent, timestampSeconds: number) {
  return {
    payment_id: payment.id,
    reservation_id: payment.reservationId,
    status: `PAYMENT_STATUS_${payment.status}`,
    amount: payment.money.amount,
    currency: payment.money.currency,
    timestamp: timestampSeconds,
    event_type: type,
    event_id: id,
    sequence,
    transaction_id: payment.transactionId === '' ? undefined : payment.transactionId,
    failure_code: refund === undefined ? payment.failureCode : refund.failureCode,
    refund_id: refund?.id,
    refund_status: refund?.status,
    refunded_amount: refund?.refundedAmount,
  };
}
