import type { PaymentEvent } from '../../src/payment/event.ts';
import { endRefund, firstEvent, type ToldChange } from '../../src/payment/lifecycle.ts';
import type {
  PendingPayment,
  Refund,
  SettledPayment,
  Settlement,
  SettlementStatus,
} from '../../src/payment/payment.ts';

/** A pending payment; `change` what the test is about. */
export function samplePayment(change: Partial<PendingPayment> = {}): PendingPayment {
  return {
    id: 'pay-1',
    reservationId: 'reservation-1',
    userId: 'user-1',
    money: { amount: 120_000, currency: 'KRW' },
    scenario: 'APPROVE',
    webhookUrl: undefined,
    plannedOutcome: 'COMPLETED',
    createdAtMs: 1_000,
    dueAtMs: 3_000,
    trace: { traceparent: undefined, tracestate: undefined, requestId: 'request-1' },
    extras: undefined,
    status: 'PENDING',
    ...change,
  };
}

/** A settlement; two with different `mark`s differ in every id. */
export function sampleSettlement(
  settledAtMs: number,
  mark = '1',
  status: SettlementStatus = 'COMPLETED',
): Settlement {
  return {
    status,
    settledAtMs,
    transactionId: `txn-${mark}`,
    eventId: `evt-${mark}`,
    failureCode: status === 'FAILED' ? 'card_declined' : undefined,
  };
}

/** A payment that has settled. */
export function sampleSettledPayment(change: Partial<SettledPayment> = {}): SettledPayment {
  return { ...samplePayment(), ...sampleSettlement(3_000), ...change };
}

/** The event of a settled payment. */
export function sampleEvent(change: Partial<SettledPayment> = {}): PaymentEvent {
  return firstEvent(sampleSettledPayment(change));
}

/** A refund that has been carried out. */
export function sampleRefund(change: Partial<Refund> = {}): Refund {
  return {
    id: 'rfd-1',
    amount: 1,
    status: 'SUCCEEDED',
    requestedAtMs: 4_000,
    failureCode: undefined,
    ...change,
  };
}

/** Gives a completed payment one more event, by a refund of the smallest part. */
export function refundALittle(payment: SettledPayment, eventId: string, atMs: number): ToldChange {
  return endRefund(payment, sampleRefund({ id: `rfd-of-${eventId}`, requestedAtMs: atMs }), {
    eventId,
    atMs,
  });
}
