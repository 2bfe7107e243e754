import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeEventBridgeDetail, encodeWebhookBody } from '../../src/delivery/payload.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';
import { firstEvent } from '../../src/payment/lifecycle.ts';
import type { SettledPayment } from '../../src/payment/payment.ts';

const settled: SettledPayment = {
  id: 'pay-1',
  reservationId: 'reservation-1',
  userId: 'user-1',
  money: { amount: 120_000, currency: 'KRW' },
  scenario: 'FAIL',
  webhookUrl: 'http://127.0.0.1/secret-path',
  plannedOutcome: 'FAILED',
  createdAtMs: 1,
  dueAtMs: 2,
  trace: undefined,
  extras: undefined,
  status: 'FAILED',
  settledAtMs: 3,
  transactionId: 'txn-1',
  eventId: 'evt-1',
  failureCode: 'card_declined',
};

const events: fc.Arbitrary<PaymentEvent> = fc.record({
  id: fc.string({ unit: 'binary' }),
  type: fc.constant('payment.status_updated'),
  sequence: fc.nat(),
  occurredAtMs: fc.nat(),
  destination: fc.constant(undefined),
  payment: fc.record({
    id: fc.string({ unit: 'binary' }),
    reservationId: fc.string({ unit: 'binary' }),
    userId: fc.string({ unit: 'binary' }),
    status: fc.constantFrom('COMPLETED', 'FAILED'),
    money: fc.record({ amount: fc.maxSafeNat(), currency: fc.string() }),
    trace: fc.constant(undefined),
    transactionId: fc.string(),
    failureCode: fc.option(fc.string(), { nil: undefined }),
  }),
  sessionId: fc.constant(undefined),
  delivery: fc.constant(undefined),
  refund: fc.constant(undefined),
});

test('the webhook body has these fields in this order, and no others', () => {
  expect(encodeWebhookBody(firstEvent(settled), 1_767_225_600)).toBe(
    '{"payment_id":"pay-1","reservation_id":"reservation-1","status":"PAYMENT_STATUS_FAILED",' +
      '"amount":120000,"currency":"KRW","timestamp":1767225600,' +
      '"event_type":"payment.status_updated","event_id":"evt-1",' +
      '"sequence":1,"transaction_id":"txn-1","failure_code":"card_declined"}',
  );
});

test('the EventBridge detail is the webhook body plus the payer', () => {
  fc.assert(
    fc.property(events, fc.nat(), (event, seconds) => {
      expect(JSON.parse(encodeEventBridgeDetail(event, seconds))).toEqual({
        ...(JSON.parse(encodeWebhookBody(event, seconds)) as object),
        user_id: event.payment.userId,
      });
    }),
  );
});

test('every value comes back as it went in, amounts exactly', () => {
  fc.assert(
    fc.property(events, fc.nat(), (event, seconds) => {
      expect(JSON.parse(encodeWebhookBody(event, seconds))).toEqual({
        payment_id: event.payment.id,
        reservation_id: event.payment.reservationId,
        status: `PAYMENT_STATUS_${event.payment.status}`,
        amount: event.payment.money.amount,
        currency: event.payment.money.currency,
        timestamp: seconds,
        event_type: 'payment.status_updated',
        event_id: event.id,
        sequence: event.sequence,
        ...(event.payment.transactionId !== '' && { transaction_id: event.payment.transactionId }),
        ...(event.payment.failureCode !== undefined && { failure_code: event.payment.failureCode }),
      });
    }),
  );
});
