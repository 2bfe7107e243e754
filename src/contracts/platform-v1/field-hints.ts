import { moneyExample, wantedAmount, wantedDelaySeconds, wantedMethod } from '../../payment/wanted-values.ts';
import { platformScenario, platformStatus } from './wanted-numbers.ts';

/** What fields must be, by their full names, for errors about JSON that cannot be decoded. */
export const platformFieldHints = {
  'payment.v1.CreatePaymentIntentRequest.amount': moneyExample,
  'payment.v1.CreatePaymentIntentRequest.scenario': platformScenario,
  'payment.v1.CreatePaymentIntentRequest.method': wantedMethod,
  'payment.v1.CreatePaymentIntentRequest.metadata': '{"session_id": "cart-7", "tags": {"shop": "seoul"}}',
  'payment.v1.CancelPaymentRequest.refund_amount': moneyExample,
  'payment.v1.ListPaymentsRequest.status': platformStatus,
  'payment.v1.ListPaymentsRequest.pagination': '{"page_size": 20}',
  'payment.v1.SimulateWebhookRequest.target_status': platformStatus,
  'payment.v1.SimulateWebhookRequest.delay_seconds': wantedDelaySeconds,
  'common.v1.Money.amount': wantedAmount,
};
