import { isKnownCurrency } from './currency.ts';
import { type FieldViolation, PaymentError } from './errors.ts';
import { describeIdProblem, describeKeyProblem } from './id-rule.ts';
import type { Money, Scenario } from './payment.ts';
import { maxDelayMs, moneyExample, wantedAmount, wantedDelay, wantedScenario } from './wanted-values.ts';
import type { WebhookUrlCheck } from './webhook-url.ts';

/** CreatePaymentIntent as it came in, free of protobuf. */
export interface CreateIntentInput {
  readonly reservationId: string;
  readonly userId: string;
  readonly money: { readonly amount: bigint; readonly currency: string } | undefined;
  /** `'unknown'`: the caller sent a number that no scenario has. */
  readonly scenario: Scenario | undefined | 'unknown';
  readonly webhookUrl: string;
  readonly idempotencyKey: string;
  readonly delayMs: number | undefined;
}

/** CreatePaymentIntent after every check. */
export interface CreateIntentCommand {
  readonly reservationId: string;
  readonly userId: string;
  readonly money: Money;
  readonly scenario: Scenario | undefined;
  readonly webhookUrl: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly delayMs: number | undefined;
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
  const violations: FieldViolation[] = [];
  requireId(violations, 'reservation_id', input.reservationId);
  requireId(violations, 'user_id', input.userId);
  checkText(violations, 'idempotency_key', input.idempotencyKey, describeKeyProblem);
  const money = validateMoney(violations, input.money);
  const scenario = validateScenario(violations, input.scenario);
  const webhookUrl = validateWebhookUrl(violations, input.webhookUrl, checkWebhookUrl);
  if (input.delayMs !== undefined && (input.delayMs < 0 || input.delayMs > maxDelayMs)) {
    add(violations, 'simulation.delay_ms', `must be ${wantedDelay}`);
  }
  if (violations.length > 0 || money === undefined) {
    throw new PaymentError({ kind: 'invalid-request', violations });
  }
  return {
    reservationId: input.reservationId,
    userId: input.userId,
    money,
    scenario,
    webhookUrl,
    idempotencyKey: input.idempotencyKey === '' ? undefined : input.idempotencyKey,
    delayMs: input.delayMs,
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
  const violations: FieldViolation[] = [];
  requireId(violations, 'payment_intent_id', input.paymentId);
  checkText(violations, 'user_id', input.userId ?? '', describeIdProblem);
  checkText(violations, 'idempotency_key', input.idempotencyKey ?? '', describeKeyProblem);
  if (violations.length > 0) {
    throw new PaymentError({ kind: 'invalid-request', violations });
  }
}

function add(violations: FieldViolation[], field: string, description: string): void {
  violations.push({ field, description });
}

function requireId(violations: FieldViolation[], field: string, value: string): void {
  if (value === '') {
    add(violations, field, 'is required');
  } else {
    checkText(violations, field, value, describeIdProblem);
  }
}

/** An empty text is none. */
function checkText(
  violations: FieldViolation[],
  field: string,
  value: string,
  describeProblem: (value: string) => string | undefined,
): void {
  const problem = value === '' ? undefined : describeProblem(value);
  if (problem !== undefined) {
    add(violations, field, problem);
  }
}

function validateMoney(violations: FieldViolation[], money: CreateIntentInput['money']): Money | undefined {
  if (money === undefined) {
    add(violations, 'amount', `is required: ${moneyExample}`);
    return undefined;
  }
  if (money.amount <= 0n || money.amount > BigInt(Number.MAX_SAFE_INTEGER)) {
    add(violations, 'amount.amount', `must be ${wantedAmount}`);
  }
  if (money.currency === '') {
    add(violations, 'amount.currency', 'is required');
  } else if (!isKnownCurrency(money.currency)) {
    add(violations, 'amount.currency', 'is not an ISO 4217 currency code in upper case, such as "KRW"');
  }
  return { amount: Number(money.amount), currency: money.currency };
}

/** The address that is called. */
function validateWebhookUrl(
  violations: FieldViolation[],
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
  violations: FieldViolation[],
  scenario: CreateIntentInput['scenario'],
): Scenario | undefined {
  if (scenario === 'unknown') {
    add(violations, 'scenario', `must be ${wantedScenario}`);
    return undefined;
  }
  return scenario;
}
