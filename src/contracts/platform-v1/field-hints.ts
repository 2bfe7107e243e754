import { moneyExample, wantedAmount, wantedScenario } from '../../payment/wanted-values.ts';

/** What fields must be, by their full names, for errors about JSON that cannot be decoded. */
export const platformFieldHints = {
  'payment.v1.CreatePaymentIntentRequest.amount': moneyExample,
  'payment.v1.CreatePaymentIntentRequest.scenario': wantedScenario,
  'common.v1.Money.amount': wantedAmount,
};
