import type { EventDelivery, EventRefund, PaymentEvent } from './event.ts';
import {
  type Aftermath,
  canTransition,
  type Payment,
  type PendingPayment,
  type Refund,
  refundedAmount,
  type SettledPayment,
  type SettledStatus,
  type Settlement,
} from './payment.ts';

/** A change of a payment, and what follows from it. */
export interface Change {
  /** As it is after the change. */
  readonly payment: SettledPayment;
  /** Tells it; undefined for a refund that has only begun. */
  readonly event: PaymentEvent | undefined;
  /** A refund that has begun, and when it is due by the simulation's clock. */
  readonly refund?: PendingRefund;
  /** What the caller said it is for; for the log. */
  readonly reason?: string;
}

/** A change that an event tells. */
export interface ToldChange extends Change {
  readonly event: PaymentEvent;
}

/** A refund under way. */
export interface PendingRefund {
  readonly id: string;
  readonly dueAtMs: number;
}

/**
 * What is to become of a payment, undefined when nothing is. Pure but for the ids and the time that it
 * takes: it is asked again when somebody else has changed the payment meanwhile, and then in vain before.
 */
export type Decide = (payment: Payment) => Change | undefined;

/** When something happens, and the id of the event that tells it. */
interface Occurrence {
  readonly eventId: string;
  /** By the simulation's clock. */
  readonly atMs: number;
}

/**
 * Settles, cancels or expires a payment.
 *
 * @throws Error when the transition table does not allow it.
 */
export function settle(payment: PendingPayment, settlement: Settlement): ToldChange {
  const settled = applySettlement(payment, settlement);
  return { payment: settled, event: firstEvent(settled) };
}

/**
 * The payment with its settlement.
 *
 * @throws Error when the transition table does not allow it.
 */
export function applySettlement(payment: Payment, settlement: Settlement): SettledPayment {
  checkTransition(payment, settlement.status);
  // Written out, field by field: V8 copies an object literal of known shape several times faster
  // than a spread, and this runs once per payment.
  return {
    id: payment.id,
    reservationId: payment.reservationId,
    userId: payment.userId,
    money: payment.money,
    scenario: payment.scenario,
    webhookUrl: payment.webhookUrl,
    plannedOutcome: payment.plannedOutcome,
    createdAtMs: payment.createdAtMs,
    dueAtMs: payment.dueAtMs,
    trace: payment.trace,
    extras: payment.extras,
    status: settlement.status,
    settledAtMs: settlement.settledAtMs,
    transactionId: settlement.transactionId,
    eventId: settlement.eventId,
    failureCode: settlement.failureCode,
  };
}

/** The event that tells the settlement of `payment`; it can be made again at any time. */
export function firstEvent(payment: SettledPayment): PaymentEvent {
  return {
    id: payment.eventId,
    type: 'payment.status_updated',
    sequence: 1,
    occurredAtMs: payment.settledAtMs,
    destination: payment.webhookUrl,
    // Refunds come after: it was COMPLETED then.
    payment: told(payment.status === 'REFUNDED' ? { ...payment, status: 'COMPLETED' } : payment),
    sessionId: payment.extras?.sessionId,
    delivery: planDelivery(payment, undefined),
    refund: undefined,
  };
}

/** @param before the event before, if it is the first one: that may have been held back. */
function planDelivery(payment: SettledPayment, before: PaymentEvent | undefined): EventDelivery | undefined {
  const behavior = payment.extras?.delivery;
  return behavior && { kind: 'planned', behavior, held: behavior.holdUntilNextEvent ? before : undefined };
}

/** Begins a refund that takes time; nothing is told of it until it has ended. */
export function beginRefund(payment: SettledPayment, refund: Refund, dueAtMs: number): Change {
  const { aftermath } = payment;
  const begun: Aftermath = {
    updatedAtMs: refund.requestedAtMs,
    eventIds: aftermath?.eventIds ?? [],
    refunds: [...(aftermath?.refunds ?? []), refund],
  };
  return {
    payment: { ...payment, aftermath: begun },
    event: undefined,
    refund: { id: refund.id, dueAtMs },
  };
}

/**
 * Carries out a refund, or lets it fail: `refund` as it is then, one that the payment has under way or a new
 * one. The payment is REFUNDED when nothing of it is left, and otherwise stays COMPLETED.
 *
 * @throws Error when the transition table does not allow it.
 */
export function endRefund(
  payment: SettledPayment,
  refund: Refund,
  { eventId, atMs }: Occurrence,
): ToldChange {
  const refunds = withRefund(payment.aftermath?.refunds ?? [], refund);
  const eventIds = [...(payment.aftermath?.eventIds ?? []), eventId];
  const changed: SettledPayment = { ...payment, aftermath: { updatedAtMs: atMs, eventIds, refunds } };
  const isWhole = refund.status === 'SUCCEEDED' && refundedAmount(changed) === payment.money.amount;
  if (isWhole) {
    checkTransition(payment, 'REFUNDED');
  }
  const after: SettledPayment = isWhole ? { ...changed, status: 'REFUNDED' } : changed;
  return {
    payment: after,
    event: {
      id: eventId,
      type: isWhole ? 'payment.status_updated' : 'payment.refund_updated',
      sequence: 1 + eventIds.length,
      occurredAtMs: atMs,
      destination: payment.webhookUrl,
      payment: told(after),
      sessionId: payment.extras?.sessionId,
      delivery: planDelivery(payment, eventIds.length === 1 ? firstEvent(payment) : undefined),
      refund: toldRefund(after, refund),
    },
  };
}

/** Without what no event tells and may be long: events wait in queues, also when their payment has left. */
function told(payment: SettledPayment): SettledPayment {
  return payment.extras === undefined ? payment : { ...payment, extras: undefined };
}

/** What an event tells of a refund that has ended, and by which the payment is as given. */
export function toldRefund(payment: SettledPayment, refund: Refund): EventRefund {
  return {
    id: refund.id,
    status: refund.status === 'SUCCEEDED' ? 'SUCCEEDED' : 'FAILED',
    refundedAmount: refundedAmount(payment),
    failureCode: refund.failureCode,
  };
}

/**
 * Whether the change that an event tells was carried out. An event is queued in one transaction with its
 * change, whether that wins or loses against another one.
 */
export function hasHappened(payment: Payment, event: Pick<PaymentEvent, 'id' | 'sequence'>): boolean {
  if (payment.status === 'PENDING') {
    return false;
  }
  return event.sequence === 1
    ? payment.eventId === event.id
    : payment.aftermath?.eventIds[event.sequence - 2] === event.id;
}

/** In the place of the one with the same id, or after all others. */
function withRefund(refunds: readonly Refund[], refund: Refund): readonly Refund[] {
  const at = refunds.findIndex(({ id }) => id === refund.id);
  return at === -1 ? [...refunds, refund] : refunds.with(at, refund);
}

function checkTransition(payment: Payment, to: SettledStatus): void {
  if (!canTransition(payment.status, to)) {
    throw new Error(`payment ${payment.id} cannot go from ${payment.status} to ${to}`);
  }
}
