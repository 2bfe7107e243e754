import {
  moneyExample,
  wantedAmount,
  wantedDelay,
  wantedDelaySeconds,
  wantedMethod,
  wantedRefundOutcome,
  wantedScenario,
  wantedStatus,
} from '../../payment/wanted-values.ts';

/** What fields must be, by their full names, for errors about JSON that cannot be decoded. */
export const paymentFieldHints = {
  'payment.v1.CreatePaymentIntentRequest.amount': moneyExample,
  'payment.v1.CreatePaymentIntentRequest.scenario': wantedScenario,
  'payment.v1.CreatePaymentIntentRequest.simulation': '{"delay_ms": 500}',
  'payment.v1.CreatePaymentIntentRequest.method': wantedMethod,
  'payment.v1.CreatePaymentIntentRequest.metadata': '{"session_id": "cart-7", "tags": {"shop": "seoul"}}',
  'payment.v1.PaymentMetadata.tags': '{"shop": "seoul"}',
  'payment.v1.SimulationOptions.delay_ms': wantedDelay,
  'payment.v1.SimulationOptions.refund': '{"delay_ms": 500}',
  'payment.v1.SimulatedRefund.outcome': wantedRefundOutcome,
  'payment.v1.SimulatedRefund.delay_ms': wantedDelay,
  'payment.v1.CancelPaymentRequest.refund_amount': moneyExample,
  'payment.v1.ListPaymentsRequest.status': wantedStatus,
  'payment.v1.ListPaymentsRequest.pagination': '{"page_size": 20}',
  'payment.v1.SimulateWebhookRequest.target_status': wantedStatus,
  'payment.v1.SimulateWebhookRequest.delay_seconds': wantedDelaySeconds,
  'common.v1.Money.amount': wantedAmount,
};
