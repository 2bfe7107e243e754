import type { CallTrace } from '../base/call-trace.ts';

/** Where a payment stands. */
export type PaymentStatus = 'PENDING' | SettledStatus;

/** A status of a payment that is not pending any more. */
export type SettledStatus = SettlementStatus | 'REFUNDED';

/** How a pending payment may end. */
export type SettlementStatus = 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'EXPIRED';

/** What shall happen to a payment. */
export type Scenario = 'APPROVE' | 'FAIL' | 'DELAY' | 'RANDOM';

/** How somebody pays. */
export type PaymentMethod = 'CREDIT_CARD' | 'DEBIT_CARD' | 'BANK_TRANSFER' | 'MOBILE_PAY' | 'DIGITAL_WALLET';

/** An amount in minor units (an integer from 1 to 2^53-1) of an ISO 4217 currency. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** What a caller wants to be kept with its payment; decides nothing. Empty texts are none. */
export interface PaymentMetadata {
  readonly source: string;
  readonly userAgent: string;
  readonly ipAddress: string;
  readonly sessionId: string;
  readonly scenario: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** How the refunds of a payment go. */
export interface RefundPlan {
  /** How long one takes, in milliseconds; with 0 the call that asks for it carries it out. */
  readonly delayMs: number;
  /** Why they fail; undefined when they do not. */
  readonly failureCode: string | undefined;
}

/** The ways in which an outcome is told. */
export type SimulatedChannel = 'webhook' | 'eventbridge';

/** What is wrong with the signature of a webhook. */
export type SignatureFault = 'WRONG_SECRET' | 'MISSING' | 'STALE' | 'TAMPERED';

/** How the events of a payment are delivered, if not as usual. */
export interface DeliveryBehavior {
  /** Undefined: both. */
  readonly channel: SimulatedChannel | undefined;
  /** How often each is sent, from 1. */
  readonly copies: number;
  readonly delayMs: number;
  readonly drop: boolean;
  /** Whether the first event goes out after the second one, and not at all before there is one. */
  readonly holdUntilNextEvent: boolean;
  readonly signature: SignatureFault | undefined;
  /** Told as well, under an id of its own, though it is not so. */
  readonly conflictingStatus: SettledStatus | undefined;
}

/** What most payments have none of. */
export interface PaymentExtras {
  readonly method?: PaymentMethod;
  readonly metadata?: PaymentMetadata;
  readonly refundPlan?: RefundPlan;
  /** What it fails with, if it does; a scenario's code unless given. */
  readonly failureCode?: string;
  /** How its events are delivered, if not as usual. */
  readonly delivery?: DeliveryBehavior;
  /** It does not settle by itself. */
  readonly isHeld?: true;
  /** The tester's session that it belongs to. */
  readonly sessionId?: string;
  /** The rules that decided what becomes of it, separated by commas. */
  readonly ruleId?: string;
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
  readonly plannedOutcome: SettlementStatus;
  readonly createdAtMs: number;
  /** When the settlement is due by the scenario. */
  readonly dueAtMs: number;
  /** Where the call that created it belongs, undefined when the caller did not say. */
  readonly trace: CallTrace | undefined;
  /** Undefined without any, which is the rule. */
  readonly extras: PaymentExtras | undefined;
}

/** A payment that waits for its settlement. */
export interface PendingPayment extends PaymentTerms {
  readonly status: 'PENDING';
}

/** What ends the wait of a payment, whichever way. */
export interface Settlement {
  readonly status: SettlementStatus;
  readonly settledAtMs: number;
  /** `txn-<uuid>`; empty when nobody was asked for money. */
  readonly transactionId: string;
  /** `evt-<uuid>`: the id of the payment's first event, which tells the outcome on every channel. */
  readonly eventId: string;
  /** Why it failed, undefined when it did not. */
  readonly failureCode: string | undefined;
}

/** Money of a payment that goes back. */
export interface Refund {
  /** `rfd-<uuid>`. */
  readonly id: string;
  /** Minor units of the payment's currency. */
  readonly amount: number;
  readonly status: 'PENDING' | 'SUCCEEDED' | 'FAILED';
  readonly requestedAtMs: number;
  /** Why it failed, undefined when it did not. */
  readonly failureCode: string | undefined;
}

/** What came after the settlement. */
export interface Aftermath {
  /** When the last of it happened. */
  readonly updatedAtMs: number;
  /** The ids of the second and further events, in their order. */
  readonly eventIds: readonly string[];
  /** In the order in which they were asked for. */
  readonly refunds: readonly Refund[];
}

/** A payment that has its outcome. */
export interface SettledPayment extends PaymentTerms, Omit<Settlement, 'status'> {
  readonly status: SettledStatus;
  /** Absent when nothing came after, which is the rule. */
  readonly aftermath?: Aftermath;
}

export type Payment = PendingPayment | SettledPayment;

/** The one table of allowed changes; a status without a way out is final. */
const transitions: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  PENDING: ['COMPLETED', 'FAILED', 'CANCELLED', 'EXPIRED'],
  COMPLETED: ['REFUNDED'],
  FAILED: [],
  CANCELLED: [],
  REFUNDED: [],
  EXPIRED: [],
};

/** Whether a payment may go from one status to another. */
export function canTransition(from: PaymentStatus, to: PaymentStatus): boolean {
  return transitions[from].includes(to);
}

/** Whether the payment has its outcome. */
export function isSettled(payment: Payment): payment is SettledPayment {
  return payment.status !== 'PENDING';
}

/** How much of a payment has gone back, in minor units. */
export function refundedAmount(payment: Payment): number {
  return sumOfRefunds(payment, (refund) => refund.status === 'SUCCEEDED');
}

/** How much of a settled payment may yet go back, in minor units; what a refund under way may take is not in it. */
export function refundableAmount(payment: SettledPayment): number {
  return payment.status === 'COMPLETED'
    ? payment.money.amount - sumOfRefunds(payment, (refund) => refund.status !== 'FAILED')
    : 0;
}

/** Whether refunds of the payment are under way. */
export function hasPendingRefund(payment: Payment): boolean {
  return (
    isSettled(payment) && (payment.aftermath?.refunds.some(({ status }) => status === 'PENDING') ?? false)
  );
}

function sumOfRefunds(payment: Payment, counts: (refund: Refund) => boolean): number {
  const refunds = isSettled(payment) ? (payment.aftermath?.refunds ?? []) : [];
  return refunds.filter(counts).reduce((sum, { amount }) => sum + amount, 0);
}
