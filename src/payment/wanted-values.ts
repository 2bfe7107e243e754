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
