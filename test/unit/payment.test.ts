import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { applySettlement } from '../../src/payment/lifecycle.ts';
import {
  canTransition,
  isSettled,
  type PaymentStatus,
  type PendingPayment,
  type Settlement,
} from '../../src/payment/payment.ts';

const statuses: readonly PaymentStatus[] = ['PENDING', 'COMPLETED', 'FAILED'];
const allowed = new Set(['PENDING>COMPLETED', 'PENDING>FAILED']);

const pending: PendingPayment = {
  id: 'pay-1',
  reservationId: 'reservation-1',
  userId: 'user-1',
  money: { amount: 1, currency: 'KRW' },
  scenario: 'RANDOM',
  webhookUrl: 'http://127.0.0.1/',
  plannedOutcome: 'FAILED',
  createdAtMs: 1,
  dueAtMs: 2,
  trace: undefined,
  extras: undefined,
  status: 'PENDING',
};

function settlementTo(status: 'COMPLETED' | 'FAILED'): Settlement {
  return { status, settledAtMs: 3, transactionId: 'txn-1', eventId: 'evt-1', failureCode: undefined };
}

test('only a pending payment changes, and only to a final status', () => {
  for (const from of statuses) {
    for (const to of statuses) {
      expect(canTransition(from, to), `${from} to ${to}`).toBe(allowed.has(`${from}>${to}`));
    }
  }
});

test('whatever is tried in whatever order, a payment keeps the first outcome it got', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('COMPLETED', 'FAILED'), { minLength: 1 }), (tries) => {
      const first = applySettlement(pending, settlementTo(tries[0] ?? 'FAILED'));
      for (const status of tries) {
        expect(() => applySettlement(first, settlementTo(status))).toThrow(
          `payment pay-1 cannot go from ${first.status} to ${status}`,
        );
      }
      expect(first.status).toBe(tries[0]);
      expect(isSettled(first)).toBe(true);
    }),
  );
});

test('a settlement adds its own fields and keeps every other', () => {
  const settlement: Settlement = {
    status: 'FAILED',
    settledAtMs: 99,
    transactionId: 'txn-9',
    eventId: 'evt-9',
    failureCode: 'card_declined',
  };
  expect(applySettlement(pending, settlement)).toEqual({ ...pending, ...settlement });
  expect(isSettled(pending)).toBe(false);
});
