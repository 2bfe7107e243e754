import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { addEvent, firstEvent, hasHappened, settle } from '../../src/payment/lifecycle.ts';
import { samplePayment, sampleSettlement } from '../support/sample-payment.ts';

const type = 'payment.status_updated';

test('the events of a payment are numbered from 1 without gaps, and each tells the payment as it was', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.uuid(), { maxLength: 20 }), (ids) => {
      const settled = settle(samplePayment({ webhookUrl: 'http://127.0.0.1/' }), sampleSettlement(5_000));
      const events = [settled.event];
      let { payment } = settled;
      for (const [index, id] of ids.entries()) {
        const change = addEvent(payment, { id, type, occurredAtMs: 6_000 + index });
        events.push(change.event);
        expect(change.event.payment).toBe(change.payment);
        expect(payment.laterEventIds ?? []).toHaveLength(index);
        payment = change.payment;
      }
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
      expect(events.every((event) => hasHappened(payment, event))).toBe(true);
      expect(events.map(({ destination }) => destination)).toEqual(events.map(() => 'http://127.0.0.1/'));
      // Made again from the payment as it is later, the first event is the same.
      expect(firstEvent(payment)).toEqual({ ...settled.event, payment });
    }),
  );
});

test('an event whose change has lost has not happened', () => {
  const pending = samplePayment();
  const { payment, event } = settle(pending, sampleSettlement(5_000, 'won'));
  const lost = settle(pending, sampleSettlement(5_000, 'lost')).event;
  expect(hasHappened(pending, event)).toBe(false);
  expect(hasHappened(payment, lost)).toBe(false);
  const won = addEvent(payment, { id: 'evt-a', type, occurredAtMs: 6_000 });
  const other = addEvent(payment, { id: 'evt-b', type, occurredAtMs: 6_000 });
  expect(hasHappened(won.payment, other.event)).toBe(false);
  expect(hasHappened(payment, won.event)).toBe(false);
});
