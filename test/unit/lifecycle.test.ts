import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginRefund, endRefund, firstEvent, hasHappened, settle } from '../../src/payment/lifecycle.ts';
import { refundableAmount, refundedAmount, type SettledPayment } from '../../src/payment/payment.ts';
import { refundALittle, samplePayment, sampleRefund, sampleSettlement } from '../support/sample-payment.ts';

const amount = 1_000;

/** How each of some refunds goes; what is more than is left is not asked for. */
const refunds = fc.array(
  fc.record({ share: fc.integer({ min: 1, max: amount }), fails: fc.boolean(), takesTime: fc.boolean() }),
  { maxLength: 20 },
);

function completedPayment() {
  const pending = samplePayment({ webhookUrl: 'http://127.0.0.1/', money: { amount, currency: 'KRW' } });
  return settle(pending, sampleSettlement(5_000));
}

test('events are numbered from 1 without gaps, and the sums of refunds hold, however refunds go', () => {
  fc.assert(
    fc.property(refunds, (plans) => {
      const settled = completedPayment();
      const events = [settled.event];
      let payment: SettledPayment = settled.payment;
      let returned = 0;
      for (const [index, { share, fails, takesTime }] of plans.entries()) {
        const left = refundableAmount(payment);
        expect(left).toBe(amount - returned);
        if (left === 0) {
          break;
        }
        const refund = sampleRefund({
          id: `rfd-${index}`,
          amount: Math.min(share, left),
          requestedAtMs: 6_000 + index,
        });
        if (takesTime) {
          const begun = beginRefund(payment, { ...refund, status: 'PENDING' }, 7_000);
          expect(begun).toMatchObject({ event: undefined, refund: { id: refund.id, dueAtMs: 7_000 } });
          expect(refundableAmount(begun.payment)).toBe(left - refund.amount);
          ({ payment } = begun);
        }
        const change = endRefund(
          payment,
          fails ? { ...refund, status: 'FAILED', failureCode: 'processing_error' } : refund,
          { eventId: `evt-${index}`, atMs: 8_000 + index },
        );
        returned += fails ? 0 : refund.amount;
        const isWhole = returned === amount;
        expect(refundedAmount(change.payment)).toBe(returned);
        expect(change.payment.status).toBe(isWhole ? 'REFUNDED' : 'COMPLETED');
        expect(change.event).toMatchObject({
          type: isWhole ? 'payment.status_updated' : 'payment.refund_updated',
          refund: { id: refund.id, refundedAmount: returned },
          occurredAtMs: 8_000 + index,
        });
        events.push(change.event);
        ({ payment } = change);
      }
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
      expect(events.every((event) => hasHappened(payment, event))).toBe(true);
      expect(events.map(({ destination }) => destination)).toEqual(events.map(() => 'http://127.0.0.1/'));
      // Made again from the payment as it is later, the first event tells the same.
      const again = firstEvent(payment);
      expect({ ...again, payment: {} }).toEqual({ ...settled.event, payment: {} });
      expect(again.payment).toMatchObject({ status: 'COMPLETED', transactionId: 'txn-1' });
    }),
  );
});

test('an event whose change has lost has not happened', () => {
  const pending = samplePayment();
  const { payment, event } = settle(pending, sampleSettlement(5_000, 'won'));
  const lost = settle(pending, sampleSettlement(5_000, 'lost')).event;
  expect(hasHappened(pending, event)).toBe(false);
  expect(hasHappened(payment, lost)).toBe(false);
  const won = refundALittle(payment, 'evt-a', 6_000);
  const other = refundALittle(payment, 'evt-b', 6_000);
  expect(hasHappened(won.payment, other.event)).toBe(false);
  expect(hasHappened(payment, won.event)).toBe(false);
});
