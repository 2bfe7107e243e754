import { isKnownCurrency } from './currency.ts';
import { type FieldViolation, PaymentError } from './errors.ts';
import type { Money, Scenario } from './payment.ts';
import type { WebhookUrlCheck } from './webhook-url.ts';

/** Longest id or idempotency key, in UTF-16 code units. */
const maxIdLength = 128;
/** Longest delay of a settlement: one day, in milliseconds. */
const maxDelayMs = 86_400_000;

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
  limitId(violations, 'idempotency_key', input.idempotencyKey);
  const money = validateMoney(violations, input.money);
  const scenario = validateScenario(violations, input.scenario);
  if (input.webhookUrl !== '') {
    const problem = checkWebhookUrl(input.webhookUrl);
    if (problem !== undefined) {
      add(violations, 'webhook_url', problem);
    }
  }
  if (input.delayMs !== undefined && (input.delayMs < 0 || input.delayMs > maxDelayMs)) {
    add(violations, 'simulation.delay_ms', `must be from 0 to ${maxDelayMs}`);
  }
  if (violations.length > 0 || money === undefined) {
    throw new PaymentError({ kind: 'invalid-request', violations });
  }
  return {
    reservationId: input.reservationId,
    userId: input.userId,
    money,
    scenario,
    webhookUrl: input.webhookUrl === '' ? undefined : input.webhookUrl,
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
  limitId(violations, 'user_id', input.userId ?? '');
  limitId(violations, 'idempotency_key', input.idempotencyKey ?? '');
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
    limitId(violations, field, value);
  }
}

function limitId(violations: FieldViolation[], field: string, value: string): void {
  if (value.length > maxIdLength) {
    add(violations, field, `must be at most ${maxIdLength} characters long, not ${value.length}`);
  }
}

function validateMoney(violations: FieldViolation[], money: CreateIntentInput['money']): Money | undefined {
  if (money === undefined) {
    add(violations, 'amount', 'is required: {"amount": <minor units>, "currency": "<ISO 4217>"}');
    return undefined;
  }
  if (money.amount <= 0n || money.amount > BigInt(Number.MAX_SAFE_INTEGER)) {
    add(violations, 'amount.amount', `must be from 1 to ${Number.MAX_SAFE_INTEGER}, in minor units`);
  }
  if (money.currency === '') {
    add(violations, 'amount.currency', 'is required');
  } else if (!isKnownCurrency(money.currency)) {
    add(violations, 'amount.currency', 'is not an ISO 4217 currency code in upper case, such as "KRW"');
  }
  return { amount: Number(money.amount), currency: money.currency };
}

function validateScenario(
  violations: FieldViolation[],
  scenario: CreateIntentInput['scenario'],
): Scenario | undefined {
  if (scenario === 'unknown') {
    add(
      violations,
      'scenario',
      'is unknown; use 0 (default), 1 (approve), 2 (fail), 3 (delay) or 4 (random)',
    );
    return undefined;
  }
  return scenario;
}
