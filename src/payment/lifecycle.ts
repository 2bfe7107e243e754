import type { PaymentEvent } from './event.ts';
import {
  canTransition,
  type Payment,
  type PendingPayment,
  type SettledPayment,
  type Settlement,
} from './payment.ts';

/** A change of a payment, and the event that tells it. */
export interface Change {
  /** As it is after the change. */
  readonly payment: SettledPayment;
  readonly event: PaymentEvent;
}

/**
 * What is to become of a payment, undefined when nothing is. Pure but for the ids and the time that it
 * takes: it is asked again when somebody else has changed the payment meanwhile, and then in vain before.
 */
export type Decide = (payment: Payment) => Change | undefined;

/**
 * Settles a payment.
 *
 * @throws Error when the transition table does not allow it.
 */
export function settle(payment: PendingPayment, settlement: Settlement): Change {
  const settled = applySettlement(payment, settlement);
  return { payment: settled, event: firstEvent(settled) };
}

/**
 * The payment with its settlement.
 *
 * @throws Error when the transition table does not allow it.
 */
export function applySettlement(payment: Payment, settlement: Settlement): SettledPayment {
  if (!canTransition(payment.status, settlement.status)) {
    throw new Error(`payment ${payment.id} cannot go from ${payment.status} to ${settlement.status}`);
  }
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
    payment,
  };
}

/** Gives a settled payment a further event, without a change of its status. */
export function addEvent(
  payment: SettledPayment,
  { id, type, occurredAtMs }: Pick<PaymentEvent, 'id' | 'type' | 'occurredAtMs'>,
): Change {
  const laterEventIds = [...(payment.laterEventIds ?? []), id];
  const changed = { ...payment, laterEventIds };
  const sequence = 1 + laterEventIds.length;
  return {
    payment: changed,
    event: { id, type, sequence, occurredAtMs, destination: payment.webhookUrl, payment: changed },
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
    : payment.laterEventIds?.[event.sequence - 2] === event.id;
}
