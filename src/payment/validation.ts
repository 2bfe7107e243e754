import { type Behavior, type BehaviorInput, validateBehavior } from './behavior.ts';
import { isKnownCurrency } from './currency.ts';
import { type ExtrasInput, validateExtras } from './extras.ts';
import type { Money, PaymentExtras, Scenario } from './payment.ts';
import { add, checkId, checkKey, requireId, throwIfAny, type Violations } from './violations.ts';
import { moneyExample, wantedAmount, wantedScenario } from './wanted-values.ts';
import type { WebhookUrlCheck } from './webhook-url.ts';

/** An amount as it came in. */
export interface MoneyInput {
  readonly amount: bigint;
  readonly currency: string;
}

/** CreatePaymentIntent as it came in, free of protobuf. */
export interface CreateIntentInput extends ExtrasInput {
  readonly reservationId: string;
  readonly userId: string;
  readonly money: MoneyInput | undefined;
  /** `'unknown'`: the caller sent a number that no scenario has. */
  readonly scenario: Scenario | undefined | 'unknown';
  readonly webhookUrl: string;
  readonly idempotencyKey: string;
  readonly simulation: BehaviorInput | undefined;
  /** Whether nobody pays, so that it expires. */
  readonly expires?: boolean | undefined;
}

/** CreatePaymentIntent after every check. */
export interface CreateIntentCommand {
  readonly reservationId: string;
  readonly userId: string;
  readonly money: Money;
  readonly scenario: Scenario | undefined;
  readonly webhookUrl: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** As the request has it. */
  readonly behavior: Behavior | undefined;
  readonly expires?: boolean | undefined;
  readonly extras: PaymentExtras | undefined;
}

/**
 * Checks a CreatePaymentIntent request.
 *
 * @throws PaymentError `invalid-request` that names every bad field at once.
 */
export function validateCreateIntent(
  input: CreateIntentInput,
  checkWebhookUrl: WebhookUrlCheck,
): CreateIntentCommand {
  const violations: Violations = [];
  requireId(violations, 'reservation_id', input.reservationId);
  requireId(violations, 'user_id', input.userId);
  checkKey(violations, 'idempotency_key', input.idempotencyKey);
  const money = validateMoney(violations, input.money);
  const scenario = validateScenario(violations, input.scenario);
  const webhookUrl = validateWebhookUrl(violations, input.webhookUrl, checkWebhookUrl);
  const behavior = input.simulation && validateBehavior(violations, 'simulation', input.simulation);
  const extras = validateExtras(violations, input);
  throwIfAny(violations);
  return {
    reservationId: input.reservationId,
    userId: input.userId,
    money,
    scenario,
    webhookUrl,
    idempotencyKey: input.idempotencyKey === '' ? undefined : input.idempotencyKey,
    behavior,
    expires: input.expires,
    extras,
  };
}

/**
 * Checks the fields that GetPaymentStatus and ProcessPayment have.
 *
 * @throws PaymentError `invalid-request` that names every bad field at once.
 */
export function validateLookup(input: {
  readonly paymentId: string;
  readonly userId?: string;
  readonly idempotencyKey?: string;
}): void {
  const violations: Violations = [];
  requireId(violations, 'payment_intent_id', input.paymentId);
  checkId(violations, 'user_id', input.userId ?? '');
  checkKey(violations, 'idempotency_key', input.idempotencyKey ?? '');
  throwIfAny(violations);
}

function validateMoney(violations: Violations, money: MoneyInput | undefined): Money {
  if (money === undefined) {
    add(violations, 'amount', `is required: ${moneyExample}`);
    return { amount: 0, currency: '' };
  }
  return checkMoney(violations, 'amount', money);
}

const maxAmount = BigInt(Number.MAX_SAFE_INTEGER);

/** @param field in which the amount came. */
export function checkMoney(violations: Violations, field: string, money: MoneyInput): Money {
  if (money.amount <= 0n || money.amount > maxAmount) {
    add(violations, `${field}.amount`, `must be ${wantedAmount}`);
  }
  if (money.currency === '') {
    add(violations, `${field}.currency`, 'is required');
  } else if (!isKnownCurrency(money.currency)) {
    add(violations, `${field}.currency`, 'is not an ISO 4217 currency code in upper case, such as "KRW"');
  }
  return { amount: Number(money.amount), currency: money.currency };
}

/** The address that is called. */
function validateWebhookUrl(
  violations: Violations,
  value: string,
  checkWebhookUrl: WebhookUrlCheck,
): string | undefined {
  if (value === '') {
    return undefined;
  }
  const verdict = checkWebhookUrl(value);
  if ('address' in verdict) {
    return verdict.address;
  }
  add(violations, 'webhook_url', verdict.problem);
  return undefined;
}

function validateScenario(
  violations: Violations,
  scenario: CreateIntentInput['scenario'],
): Scenario | undefined {
  if (scenario === 'unknown') {
    add(violations, 'scenario', `must be ${wantedScenario}`);
    return undefined;
  }
  return scenario;
}
