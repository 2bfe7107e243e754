/*
 * What the fields of requests must be, in words that stand after "must be". They are the same whether a value
 * is refused here or could not be decoded.
 */

/** Longest delay of a settlement: one day, in milliseconds. */
export const maxDelayMs = 86_400_000;

/** An amount as JSON has it. */
export const moneyExample = '{"amount": "1000", "currency": "KRW"}';

/** The number in an amount. */
export const wantedAmount = `a whole number from 1 to ${Number.MAX_SAFE_INTEGER} in the currency's smallest unit ("1050" is 10.50 USD and 1,050 KRW)`;

/** The delay of one payment. */
export const wantedDelay = `a whole number from 0 to ${maxDelayMs}`;

/** A scenario, by its name or number in the contract. */
export const wantedScenario =
  'one of PAYMENT_SCENARIO_UNSPECIFIED (0, the default), PAYMENT_SCENARIO_APPROVE (1), PAYMENT_SCENARIO_FAIL (2), PAYMENT_SCENARIO_DELAY (3), PAYMENT_SCENARIO_RANDOM (4)';

/** A method, by its name or number in the contract. */
export const wantedMethod =
  'one of PAYMENT_METHOD_UNSPECIFIED (0, the default), PAYMENT_METHOD_CREDIT_CARD (1), PAYMENT_METHOD_DEBIT_CARD (2), PAYMENT_METHOD_BANK_TRANSFER (3), PAYMENT_METHOD_MOBILE_PAY (4), PAYMENT_METHOD_DIGITAL_WALLET (5)';

/** A status, by its name or number in the contract. */
export const wantedStatus =
  'one of PAYMENT_STATUS_PENDING (1), PAYMENT_STATUS_COMPLETED (2), PAYMENT_STATUS_FAILED (3), PAYMENT_STATUS_CANCELLED (5), PAYMENT_STATUS_REFUNDED (6), PAYMENT_STATUS_EXPIRED (7)';

/** The outcome of a payment, by its name or number in the contract. */
export const wantedOutcome =
  'one of SIMULATED_OUTCOME_UNSPECIFIED (0, the default), SIMULATED_OUTCOME_APPROVE (1), SIMULATED_OUTCOME_DECLINE (2), SIMULATED_OUTCOME_HOLD (3), SIMULATED_OUTCOME_EXPIRE (4)';

/** The code of a simulated error, by its name or number. */
export const wantedGrpcCode = 'a code of gRPC, such as UNAVAILABLE (14)';

/** Longest delay of an answer, in milliseconds. */
export const maxApiDelayMs = 60_000;

/** The delay of an answer. */
export const wantedApiDelay = `a whole number from 0 to ${maxApiDelayMs}`;

/** When a simulated error comes, by its name or number in the contract. */
export const wantedErrorTime =
  'one of SIMULATED_ERROR_TIME_UNSPECIFIED (0, the default), SIMULATED_ERROR_TIME_BEFORE (1), SIMULATED_ERROR_TIME_AFTER (2)';

/** Most copies of a webhook or event. */
export const maxCopies = 10;

/** How often a webhook or event is sent. */
export const wantedCopies = `a whole number from 2 to ${maxCopies}`;

/** The outcome of a refund, by its name or number in the contract. */
export const wantedRefundOutcome =
  'one of SIMULATED_OUTCOME_UNSPECIFIED (0, the default), SIMULATED_OUTCOME_APPROVE (1), SIMULATED_OUTCOME_DECLINE (2)';

/** Why something fails. */
export const wantedFailureCode = '1 to 64 letters, digits and underscores, such as "insufficient_funds"';

/** How many seconds a simulated webhook waits. */
export const wantedDelaySeconds = 'a whole number from 0 to 86400';
