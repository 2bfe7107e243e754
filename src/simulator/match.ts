import { isKnownCurrency } from '../payment/currency.ts';
import { describeIdProblem } from '../payment/id-rule.ts';
import { add, checkLength, type Violations } from '../payment/violations.ts';

/** The methods of the payment contracts, which rules can be about. */
export const paymentMethods = [
  'CreatePaymentIntent',
  'GetPaymentStatus',
  'ProcessPayment',
  'CancelPayment',
  'ListPayments',
  'SimulateWebhook',
] as const;

export type PaymentMethodName = (typeof paymentMethods)[number];

/** What is known of a call before it is carried out. Texts are empty, and the amount 0, where nothing is known. */
export interface CallFacts {
  readonly method: PaymentMethodName;
  readonly userId: string;
  readonly reservationId: string;
  readonly currency: string;
  /** Minor units. */
  readonly amount: number;
  readonly webhookUrl: string;
}

/** Which calls: those for which all that is given holds. A text that ends in `*` is how others begin. */
export interface Match {
  /** Empty: CreatePaymentIntent. */
  readonly method: string;
  /** Empty texts and amounts of 0 are not given. */
  readonly userId: string;
  readonly reservationId: string;
  readonly currency: string;
  readonly minAmount: number;
  readonly maxAmount: number;
  readonly webhookUrl: string;
}

/** A match as it came in. */
export interface MatchInput extends Omit<Match, 'minAmount' | 'maxAmount'> {
  readonly minAmount: bigint;
  readonly maxAmount: bigint;
}

export const matchesAllCreates: Match = {
  method: '',
  userId: '',
  reservationId: '',
  currency: '',
  minAmount: 0,
  maxAmount: 0,
  webhookUrl: '',
};

const maxAmount = BigInt(Number.MAX_SAFE_INTEGER);
/** In characters. */
export const maxUrlLength = 2_048;

/** Notes what is wrong. */
export function validateMatch(violations: Violations, field: string, input: MatchInput): Match {
  const { method, currency, minAmount, maxAmount: most } = input;
  if (methodsOf(input).length === 0) {
    const names = paymentMethods.join(', ');
    add(violations, `${field}.method`, `must be one of ${names}, or how some of them begin and a *`);
  }
  checkPattern(violations, `${field}.user_id`, input.userId);
  checkPattern(violations, `${field}.reservation_id`, input.reservationId);
  if (currency !== '' && !isKnownCurrency(currency) && !/^[A-Z]{0,2}\*$/.test(currency)) {
    add(violations, `${field}.currency`, 'is not an ISO 4217 currency code in upper case, such as "KRW"');
  }
  checkAmount(violations, `${field}.min_amount`, minAmount);
  checkAmount(violations, `${field}.max_amount`, most);
  if (minAmount > 0n && most > 0n && minAmount > most) {
    add(violations, `${field}.max_amount`, 'must not be below min_amount: no amount would fit');
  }
  checkLength(violations, `${field}.webhook_url`, input.webhookUrl, maxUrlLength);
  if (
    method === 'ListPayments' &&
    (currency !== '' || minAmount > 0n || most > 0n || input.webhookUrl !== '')
  ) {
    add(violations, field, 'must be by user_id and reservation_id alone: ListPayments has nothing else');
  }
  return { ...input, minAmount: Number(minAmount), maxAmount: Number(most) };
}

function checkPattern(violations: Violations, field: string, pattern: string): void {
  const text = pattern.endsWith('*') ? pattern.slice(0, -1) : pattern;
  const problem = text === '' ? undefined : describeIdProblem(text);
  if (problem !== undefined) {
    add(violations, field, problem);
  }
}

/** Notes an amount that cannot be one; 0 is none. */
export function checkAmount(violations: Violations, field: string, amount: bigint): void {
  if (amount < 0n || amount > maxAmount) {
    add(violations, field, `must be a whole number from 0 to ${maxAmount} in the currency's smallest unit`);
  }
}

/** The methods whose calls can fit. */
export function methodsOf({ method }: Pick<Match, 'method'>): readonly PaymentMethodName[] {
  return method === '' ? ['CreatePaymentIntent'] : paymentMethods.filter((name) => fitsPattern(method, name));
}

/** Whether a call fits, by whichever method. */
export function fits(match: Match, facts: CallFacts): boolean {
  return (
    (match.minAmount === 0 || facts.amount >= match.minAmount) &&
    (match.maxAmount === 0 || (facts.amount <= match.maxAmount && facts.amount > 0)) &&
    fitsPattern(match.userId, facts.userId) &&
    fitsPattern(match.reservationId, facts.reservationId) &&
    fitsPattern(match.currency, facts.currency) &&
    fitsPattern(match.webhookUrl, facts.webhookUrl)
  );
}

/** Why a call does not fit, by the contract's names of what is given; undefined: it does. */
export function describeMisfit(match: Match, facts: CallFacts): string | undefined {
  if (!methodsOf(match).includes(facts.method)) {
    const { method } = match;
    return method.endsWith('*')
      ? `is about the methods ${method}`
      : `is about the method ${method === '' ? 'CreatePaymentIntent' : method}`;
  }
  const texts = [
    ['user_id', match.userId, facts.userId],
    ['reservation_id', match.reservationId, facts.reservationId],
    ['currency', match.currency, facts.currency],
    ['webhook_url', match.webhookUrl, facts.webhookUrl],
  ] as const;
  const wrong = texts.find(([, pattern, text]) => !fitsPattern(pattern, text));
  if (wrong !== undefined) {
    const [name, pattern] = wrong;
    return pattern.endsWith('*')
      ? `${name} does not begin with ${JSON.stringify(pattern.slice(0, -1))}`
      : `${name} is not ${JSON.stringify(pattern)}`;
  }
  if (fits(match, facts)) {
    return undefined;
  }
  if (match.minAmount > 0 && facts.amount < match.minAmount) {
    return `amount is below min_amount ${match.minAmount}`;
  }
  return facts.amount === 0
    ? `amount is not known, and max_amount is ${match.maxAmount}`
    : `amount is above max_amount ${match.maxAmount}`;
}

function fitsPattern(pattern: string, text: string): boolean {
  return (
    pattern === '' || pattern === text || (pattern.endsWith('*') && text.startsWith(pattern.slice(0, -1)))
  );
}
