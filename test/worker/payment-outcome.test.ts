import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMessage } from '../../src/worker/payment-outcome.ts';
import { detail, message } from './support.ts';

const outcome = {
  eventId: 'evt-1',
  paymentId: 'pay-1',
  reservationId: 'reservation-1',
  reservationStatus: 'CONFIRMED',
  sequence: 1,
};

test('a completed payment confirms, a failed one cancels, in the envelope or as the detail alone', () => {
  expect(parseMessage(message())).toEqual({ kind: 'outcome', outcome });
  expect(parseMessage(JSON.stringify(detail()))).toEqual({ kind: 'outcome', outcome });
  expect(parseMessage(message({ status: 'PAYMENT_STATUS_FAILED' }))).toEqual({
    kind: 'outcome',
    outcome: { ...outcome, reservationStatus: 'CANCELLED' },
  });
});

const envelope = (changes: object) => JSON.stringify({ ...(JSON.parse(message()) as object), ...changes });

test.each([
  ['', 'malformed_json'],
  ['{"detail":', 'malformed_json'],
  ['"text"', 'malformed_json'],
  ['null', 'malformed_json'],
  ['[]', 'malformed_json'],
  ['{}', 'missing_fields'],
  [envelope({ 'detail-type': 'Payment Refunded' }), 'unexpected_type'],
  [envelope({ 'detail-type': undefined }), 'unexpected_type'],
  [envelope({ detail: undefined }), 'missing_fields'],
  [envelope({ detail: 'text' }), 'missing_fields'],
  [message({ event_type: 'payment.refunded' }), 'unexpected_type'],
  [message({ payment_id: undefined }), 'missing_fields'],
  [message({ payment_id: '' }), 'missing_fields'],
  [message({ reservation_id: 7 }), 'missing_fields'],
  [message({ status: undefined }), 'missing_fields'],
  [message({ reservation_id: '..' }), 'invalid_reservation_id'],
  [message({ reservation_id: '.' }), 'invalid_reservation_id'],
  [message({ reservation_id: ' seat-7 ' }), 'invalid_reservation_id'],
  [message({ reservation_id: '   ' }), 'invalid_reservation_id'],
  [message({ payment_id: 'pay\u200b-1' }), 'invalid_payment_id'],
  [message({ event_id: 'evt-1\n' }), 'invalid_event_id'],
  [message({ status: 'PAYMENT_STATUS_PENDING' }), 'unknown_status'],
  [message({ status: 'constructor' }), 'unknown_status'],
  [message({ status: 2 }), 'unknown_status'],
])('%s is poison: %s', (body, reason) => {
  expect(parseMessage(body)).toMatchObject({ kind: 'poison', reason });
});

test('an event of another publisher, without an id, is told apart by payment and status', () => {
  const { event_id: _id, ...flat } = detail();
  const parsed = (change: object) => parseMessage(JSON.stringify({ ...flat, ...change }));
  expect(parsed({})).toEqual({
    kind: 'outcome',
    outcome: { ...outcome, eventId: 'pay-1-PAYMENT_STATUS_COMPLETED' },
  });
  expect(parsed({ status: 'PAYMENT_STATUS_FAILED' })).toMatchObject({
    outcome: { eventId: 'pay-1-PAYMENT_STATUS_FAILED' },
  });
});

test('whatever is missing is named', () => {
  expect(parseMessage(JSON.stringify({ detail: {}, 'detail-type': 'Payment Status Updated' }))).toEqual({
    kind: 'poison',
    reason: 'missing_fields',
    detail: 'payment_id, reservation_id, status',
  });
});

test('no message makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      expect(parseMessage(body).kind).toBe('poison');
    }),
  );
});
