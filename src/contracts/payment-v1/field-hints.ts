import { moneyExample, wantedAmount, wantedDelay, wantedScenario } from '../../payment/wanted-values.ts';

/** What fields must be, by their full names, for errors about JSON that cannot be decoded. */
export const paymentFieldHints = {
  'payment.v1.CreatePaymentIntentRequest.amount': moneyExample,
  'payment.v1.CreatePaymentIntentRequest.scenario': wantedScenario,
  'payment.v1.CreatePaymentIntentRequest.simulation': '{"delay_ms": 500}',
  'payment.v1.SimulationOptions.delay_ms': wantedDelay,
  'common.v1.Money.amount': wantedAmount,
};
