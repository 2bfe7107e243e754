import type { SimClock } from '../base/clock.ts';
import type { IdGenerator } from '../base/ids.ts';
import { PaymentError } from './errors.ts';
import { fingerprintOf } from './fingerprint.ts';
import { beginRefund, type Change, endRefund, settle } from './lifecycle.ts';
import { conflict, findPayment, notFound } from './lookup.ts';
import {
  isSettled,
  type Money,
  type Payment,
  type Refund,
  refundableAmount,
  type SettledPayment,
  type SettledStatus,
} from './payment.ts';
import type { IdempotencyStore, Payments } from './ports.ts';
import { toScopedKey } from './scoped-key.ts';
import { checkMoney, type MoneyInput } from './validation.ts';
import {
  checkKey,
  checkLength,
  requireId,
  maxTextLength,
  throwIfAny,
  type Violations,
} from './violations.ts';
import { nowOf } from './session-time.ts';

/** CancelPayment as it came in. */
export interface CancelInput {
  readonly paymentId: string;
  readonly reason: string;
  readonly refundAmount: MoneyInput | undefined;
  readonly idempotencyKey: string;
}

/** What became of the payment. */
export interface Cancellation {
  readonly status: SettledStatus;
  /** When it was cancelled, or the refund was taken. */
  readonly atMs: number;
  /** Undefined when the payment was cancelled. */
  readonly refund: { readonly id: string; readonly money: Money } | undefined;
}

interface CancellationDeps {
  readonly clock: SimClock;
  readonly newId: IdGenerator;
  readonly payments: Payments;
  readonly idempotency: IdempotencyStore;
  /** See `PaymentServiceDeps`. */
  readonly keyScopeOf?: ((sessionId: string | undefined) => string | undefined) | undefined;
}

interface CancelCommand extends Omit<CancelInput, 'refundAmount'> {
  readonly refundAmount: Money | undefined;
}

/** So many refunds of one payment: each makes all that is stored of it longer. */
const maxRefunds = 100;

/**
 * Cancels a pending payment, or refunds a completed one.
 *
 * @throws PaymentError `conflict` when there is nothing to cancel or to refund, `refund-declined` when the
 *   payment's simulation says so.
 */
export async function cancelPayment(deps: CancellationDeps, input: CancelInput): Promise<Cancellation> {
  const command = validateCancel(input);
  if (command.idempotencyKey === '') {
    const refundId = deps.newId('rfd');
    return describe(await carryOut(deps, command, refundId), refundId);
  }
  const lookup = { paymentId: command.paymentId, userId: '' };
  const refundId = await cancelOnce(deps, command, await findPayment(deps.payments, lookup));
  return describe(await findPayment(deps.payments, lookup), refundId);
}

/** @returns the id of the refund, the same for each call with the key. */
async function cancelOnce(deps: CancellationDeps, command: CancelCommand, payment: Payment): Promise<string> {
  const { paymentId, reason, refundAmount, idempotencyKey } = command;
  const parameters = [paymentId, reason, refundAmount?.amount, refundAmount?.currency];
  const scope = deps.keyScopeOf?.(payment.extras?.sessionId);
  const result = await deps.idempotency.once(
    {
      key: toScopedKey(['cancel', payment.userId, idempotencyKey], scope),
      fingerprint: fingerprintOf(parameters),
    },
    () => deps.newId('rfd'),
    (refundId) => carryOut(deps, command, refundId),
  );
  if (result.outcome === 'mismatch') {
    throw new PaymentError({ kind: 'idempotency-key-reused', key: idempotencyKey });
  }
  return result.value;
}

async function carryOut(
  { payments, clock }: CancellationDeps,
  command: CancelCommand,
  refundId: string,
): Promise<Payment> {
  const { paymentId } = command;
  const done = await payments.transition(paymentId, (payment) => {
    const change = decide(payment, command, refundId, nowOf(clock, payment));
    return change && { ...change, reason: command.reason };
  });
  if (done === undefined) {
    throw notFound(paymentId);
  }
  return done.payment;
}

/** Undefined when an earlier run under the same key has done it. */
function decide(
  payment: Payment,
  { refundAmount }: CancelCommand,
  refundId: string,
  atMs: number,
): Change | undefined {
  const eventId = eventIdOf(refundId);
  if (!isSettled(payment)) {
    if (refundAmount !== undefined) {
      throw conflict(payment.id, 'is PENDING: nothing was paid yet; leave refund_amount out to cancel it');
    }
    return settle(payment, {
      status: 'CANCELLED',
      settledAtMs: atMs,
      transactionId: '',
      eventId,
      failureCode: undefined,
    });
  }
  if (payment.eventId === eventId || refundOf(payment, refundId) !== undefined) {
    return undefined;
  }
  return refund(payment, refundAmount, refundId, atMs);
}

function refund(payment: SettledPayment, wanted: Money | undefined, refundId: string, atMs: number): Change {
  const left = refundableAmount(payment);
  if (payment.status !== 'COMPLETED') {
    throw conflict(payment.id, `is ${payment.status} and cannot be cancelled or refunded`);
  }
  if (wanted !== undefined && wanted.currency !== payment.money.currency) {
    throw new PaymentError({
      kind: 'invalid-request',
      violations: [
        {
          field: 'refund_amount.currency',
          description: `must be ${payment.money.currency}, as the payment's`,
        },
      ],
    });
  }
  if (left === 0 || (wanted !== undefined && wanted.amount > left)) {
    throw conflict(payment.id, `has ${left} ${payment.money.currency} left to refund`);
  }
  if ((payment.aftermath?.refunds.length ?? 0) >= maxRefunds) {
    throw conflict(payment.id, `has had ${maxRefunds} refunds, which is as many as one may have`);
  }
  const { delayMs = 0, failureCode } = payment.extras?.refundPlan ?? {};
  const amount = wanted?.amount ?? left;
  const begun: Refund = {
    id: refundId,
    amount,
    status: 'PENDING',
    requestedAtMs: atMs,
    failureCode: undefined,
  };
  if (delayMs > 0) {
    return beginRefund(payment, begun, atMs + delayMs);
  }
  if (failureCode !== undefined) {
    throw new PaymentError({ kind: 'refund-declined', paymentId: payment.id, failureCode });
  }
  return endRefund(payment, { ...begun, status: 'SUCCEEDED' }, { eventId: eventIdOf(refundId), atMs });
}

/** What becomes of a refund under way whose time has come, as the payment's simulation says; undefined without one. */
export function endPlannedRefund(
  payment: SettledPayment,
  refundId: string,
  atMs: number,
): Change | undefined {
  const found = refundOf(payment, refundId);
  if (found?.status !== 'PENDING') {
    return undefined;
  }
  const failureCode = payment.extras?.refundPlan?.failureCode;
  const status = failureCode === undefined ? 'SUCCEEDED' : 'FAILED';
  return endRefund(payment, { ...found, status, failureCode }, { eventId: eventIdOf(refundId), atMs });
}

/** The id of the event that tells a refund, or a cancellation: it follows, so that one done twice is told once. */
export function eventIdOf(refundId: string): string {
  return refundId.replace(/^rfd/, 'evt');
}

function refundOf(payment: SettledPayment, refundId: string): Refund | undefined {
  return payment.aftermath?.refunds.find(({ id }) => id === refundId);
}

function describe(payment: Payment, refundId: string): Cancellation {
  if (!isSettled(payment)) {
    throw new Error(`payment ${payment.id} is pending after it was cancelled`);
  }
  const { status, money } = payment;
  const found = refundOf(payment, refundId);
  return found === undefined
    ? { status, atMs: payment.settledAtMs, refund: undefined }
    : {
        status,
        atMs: found.requestedAtMs,
        refund: { id: found.id, money: { amount: found.amount, currency: money.currency } },
      };
}

function validateCancel({ refundAmount, ...input }: CancelInput): CancelCommand {
  const violations: Violations = [];
  requireId(violations, 'payment_intent_id', input.paymentId);
  checkLength(violations, 'reason', input.reason, maxTextLength);
  checkKey(violations, 'idempotency_key', input.idempotencyKey);
  const money = refundAmount && checkMoney(violations, 'refund_amount', refundAmount);
  throwIfAny(violations);
  return { ...input, refundAmount: money };
}
