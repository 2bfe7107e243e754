import type { CallTrace } from '../base/call-trace.ts';

/** Where a payment stands. */
export type PaymentStatus = 'PENDING' | FinalStatus;

/** A status that never changes again. */
export type FinalStatus = 'COMPLETED' | 'FAILED';

/** What shall happen to a payment. */
export type Scenario = 'APPROVE' | 'FAIL' | 'DELAY' | 'RANDOM';

/** An amount in minor units (an integer from 1 to 2^53-1) of an ISO 4217 currency. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** What is the same for a payment before and after its settlement. */
interface PaymentTerms {
  /** `pay-<uuid>`: the id of the intent and of the payment. */
  readonly id: string;
  readonly reservationId: string;
  readonly userId: string;
  readonly money: Money;
  readonly scenario: Scenario;
  readonly webhookUrl: string | undefined;
  /** Decided when the payment is created, so that the scenario is drawn once however it settles. */
  readonly plannedOutcome: FinalStatus;
  readonly createdAtMs: number;
  /** When the settlement is due by the scenario. */
  readonly dueAtMs: number;
  /** Where the call that created it belongs, undefined when the caller did not say. */
  readonly trace: CallTrace | undefined;
}

/** A payment that waits for its settlement. */
export interface PendingPayment extends PaymentTerms {
  readonly status: 'PENDING';
}

/** What the settlement adds to a payment. */
export interface Settlement {
  readonly status: FinalStatus;
  readonly settledAtMs: number;
  /** `txn-<uuid>`. */
  readonly transactionId: string;
  /** `evt-<uuid>`: the id of the payment's first event, which tells the outcome on every channel. */
  readonly eventId: string;
  /** Why it failed, undefined when it did not. */
  readonly failureCode: string | undefined;
}

/** A payment that has its outcome. */
export interface SettledPayment extends PaymentTerms, Settlement {
  /** The ids of its second and further events, in their order; absent without any, which is the rule. */
  readonly laterEventIds?: readonly string[] | undefined;
}

export type Payment = PendingPayment | SettledPayment;

/** The one table of allowed changes; a status without a way out is final. */
const transitions: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  PENDING: ['COMPLETED', 'FAILED'],
  COMPLETED: [],
  FAILED: [],
};

/** Whether a payment may go from one status to another. */
export function canTransition(from: PaymentStatus, to: PaymentStatus): boolean {
  return transitions[from].includes(to);
}

/** Whether the payment has its outcome. */
export function isSettled(payment: Payment): payment is SettledPayment {
  return payment.status !== 'PENDING';
}
