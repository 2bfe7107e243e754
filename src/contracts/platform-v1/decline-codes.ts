/*
 * What gateways say about a payment that was declined, for the failure codes that are known: decline codes of
 * Stripe's, and two of Toss Payments' own cases that Stripe does not have.
 */

/** A decline in the words of gateways. */
export interface Decline {
  /** A code of Toss Payments', or a refusal reason of Adyen's where Toss has none. */
  readonly gatewayResponse: string;
  /** ISO 8583, field 39, as a number; the letters of N7 and 1A do not fit, so 82 and 65 stand for them. */
  readonly responseCode: number;
}

/** Issuers that give no reason answer 05, "do not honour". */
const withoutReason = 5;

/** By the failure code. */
const declines = new Map<string, readonly [gatewayResponse: string, responseCode: number]>([
  ['card_declined', ['REJECT_CARD_PAYMENT', 5]],
  ['generic_decline', ['REJECT_CARD_PAYMENT', 5]],
  ['do_not_honor', ['INVALID_REJECT_CARD', 5]],
  ['insufficient_funds', ['REJECT_CARD_PAYMENT', 51]],
  ['expired_card', ['INVALID_CARD_EXPIRATION', 54]],
  ['incorrect_number', ['INVALID_CARD_NUMBER', 14]],
  ['incorrect_cvc', ['CVC Declined', 82]],
  ['lost_card', ['INVALID_CARD_LOST_OR_STOLEN', 41]],
  ['stolen_card', ['INVALID_CARD_LOST_OR_STOLEN', 43]],
  ['restricted_card', ['INVALID_STOPPED_CARD', 62]],
  ['withdrawal_count_limit_exceeded', ['EXCEED_MAX_DAILY_PAYMENT_COUNT', 65]],
  ['card_velocity_exceeded', ['EXCEED_MAX_AMOUNT', 61]],
  ['transaction_not_allowed', ['NOT_AVAILABLE_PAYMENT', 57]],
  ['fraudulent', ['FRAUD', 59]],
  ['issuer_not_available', ['CARD_PROCESSING_ERROR', 91]],
  ['processing_error', ['PROVIDER_ERROR', 96]],
  ['try_again_later', ['PROVIDER_ERROR', 96]],
  ['authentication_required', ['3D Not Authenticated', 65]],
  ['payer_canceled', ['PAY_PROCESS_CANCELED', withoutReason]],
  ['aborted', ['PAY_PROCESS_ABORTED', withoutReason]],
]);

/** The failure codes that are known. */
export const knownFailureCodes: readonly string[] = [...declines.keys()];

/** What gateways call a failure; an unknown code is repeated as it is. */
export function declineOf(failureCode: string): Decline {
  const [gatewayResponse, responseCode] = declines.get(failureCode) ?? [failureCode, withoutReason];
  return { gatewayResponse, responseCode };
}
