import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newDelivery } from '../../src/delivery/delivery.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';
import type { SettledPayment } from '../../src/payment/payment.ts';
import {
  checkSettlement,
  decodeAnnouncement,
  decodeDelivery,
  decodeRefund,
  decodeWebhookDelivery,
  encodeAnnouncement,
  encodeDelivery,
  encodeRefund,
  settlementData,
  UnknownJobFormError,
} from '../../src/state/redis/job-records.ts';
import { bucketAt, dueTimeOf } from '../../src/state/redis/buckets.ts';
import {
  bucketOf,
  decodePayment,
  encodeHead,
  encodePending,
  headOf,
} from '../../src/state/redis/payment-record.ts';
import { paymentEvents, pendingPayments, settledPayments } from '../support/arbitrary-payments.ts';
import { sampleEvent, samplePayment, sampleSettledPayment } from '../support/sample-payment.ts';

const bucket = bucketAt(3_000);

/** What a script makes of a record. */
function withHead(record: string, payment: SettledPayment): string {
  return encodeHead(payment, bucketOf(record)) + record.slice(headOf(record).length);
}

/** The record of a settled payment, by way of the pending one that it was. */
function recordOf(payment: SettledPayment): string {
  return withHead(encodePending(samplePayment({ ...payment, status: 'PENDING' }), bucket), payment);
}

function isPlain(status: string): boolean {
  return status === 'COMPLETED' || status === 'FAILED';
}

test('a bucket is due at the time of its payments, or less than 50 ms later', () => {
  fc.assert(
    fc.property(fc.nat(8.64e15), (dueAtMs) => {
      const lateMs = dueTimeOf(bucketAt(dueAtMs)) - dueAtMs;
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThan(50);
      expect(bucketAt(dueTimeOf(bucketAt(dueAtMs)))).toBe(bucketAt(dueAtMs));
    }),
  );
});

describe('records of payments', () => {
  test('a pending payment comes back as it was', () => {
    fc.assert(
      fc.property(pendingPayments, (payment) => {
        const record = encodePending(payment, bucket);
        expect(decodePayment(payment.id, record)).toEqual(payment);
        expect(headOf(record)).toBe(`P3${bucket}\n`);
        expect(bucketOf(record)).toBe(bucket);
      }),
    );
  });

  test('a settled payment comes back as it was, also after further changes of its head', () => {
    fc.assert(
      fc.property(settledPayments, settledPayments, (before, { aftermath, status }) => {
        const record = recordOf(before);
        expect(decodePayment(before.id, record)).toEqual(before);
        expect(headOf(record)).toBe(encodeHead(before, bucket));
        expect(bucketOf(record)).toBe(bucket);
        if (aftermath !== undefined) {
          const after = { ...before, status, aftermath };
          expect(decodePayment(before.id, withHead(record, after))).toEqual(after);
        }
      }),
    );
  });

  test('plain payments are written, and read, letter by letter', () => {
    const terms =
      '["reservation-1","user-1",120000,"KRW","APPROVE","COMPLETED",1000,3000,null,null,null,"request-1"]';
    const settled = sampleSettledPayment();
    expect(encodePending(samplePayment(), bucket)).toBe(`P3b1o\n${terms}`);
    expect(recordOf(settled)).toBe(`S3b1o["COMPLETED",3000,"txn-1","evt-1",null]\n${terms}`);
    expect(decodePayment('pay-1', `P3b1o\n${terms}`)).toEqual(samplePayment());
    expect(decodePayment('pay-1', recordOf(settled))).toEqual(settled);
  });

  test('a form of another release is told as such', () => {
    for (const record of ['P1[]', 'P2[]', 'S2[]\n[]', 'P4b1\n[]', '', 'P']) {
      expect(() => decodePayment('pay-1', record)).toThrow(/in a form that this one does not know/);
    }
  });
});

/** Without what JSON leaves out. */
function fromJson(json: string): unknown {
  return JSON.parse(json);
}

function isPlainEvent({ payment, refund, sessionId, delivery }: PaymentEvent): boolean {
  const areNone = refund === undefined && sessionId === undefined && delivery === undefined;
  return areNone && isPlain(payment.status);
}

describe('records of jobs', () => {
  test('an announcement comes back as it was', () => {
    fc.assert(
      fc.property(paymentEvents, fc.boolean(), (event, isForced) => {
        const data = fromJson(encodeAnnouncement({ event, isForced }));
        expect(decodeAnnouncement(data)).toEqual({ event, isForced });
        expect(data).toMatchObject({ form: isPlainEvent(event) && !isForced ? 2 : 3 });
      }),
    );
  });

  test('a delivery comes back as it was, with the address of a webhook', () => {
    const url = 'https://example.com/hooks';
    fc.assert(
      fc.property(
        paymentEvents,
        fc.nat(),
        fc.nat(),
        fc.option(fc.string(), { nil: undefined }),
        (event, attempts, waits, lastError) => {
          const delivery = {
            ...newDelivery(event),
            attempts,
            waits,
            askedMs: 7,
            firstAttemptAtMs: 5,
            lastAttemptAtMs: 6,
            lastError,
          };
          expect(decodeDelivery(fromJson(encodeDelivery(delivery)))).toEqual(delivery);
          const data = fromJson(encodeDelivery({ ...delivery, url }));
          expect(decodeWebhookDelivery(data)).toEqual({
            ...delivery,
            url,
            event: { ...event, destination: url },
          });
          expect(data).toMatchObject({ form: isPlainEvent(event) ? 2 : 3 });
        },
      ),
    );
  });

  test('a refund comes back as it was, and one without a form is left to others', () => {
    const job = { paymentId: 'pay-1', refundId: 'rfd-1' };
    expect(decodeRefund(fromJson(encodeRefund(job)))).toEqual(job);
    for (const data of [undefined, null, 7, {}, { ...job }, { form: 2, ...job }, { form: 4, ...job }]) {
      expect(() => decodeRefund(data)).toThrow(UnknownJobFormError);
    }
  });

  test('settlements keep the form of 0.1, whose own are read', () => {
    checkSettlement(fromJson(settlementData));
    expect(fromJson(settlementData)).toEqual({ form: 2 });
    checkSettlement(1_000);
    expect(() => checkSettlement({ form: 4 })).toThrow(UnknownJobFormError);
  });

  test('a delivery that 0.1 has left is of the first event of its payment', () => {
    const event = {
      eventId: 'evt-1',
      paymentId: 'pay-1',
      reservationId: 'reservation-1',
      userId: 'user-1',
      status: 'FAILED',
      amount: 5,
      currency: 'KRW',
    };
    const data = { event, attempts: 2, createdAtMs: 9, url: 'http://127.0.0.1/' };
    expect(decodeWebhookDelivery(data)).toMatchObject({
      attempts: 2,
      waits: 0,
      event: {
        id: 'evt-1',
        type: 'payment.status_updated',
        sequence: 1,
        occurredAtMs: 9,
        destination: 'http://127.0.0.1/',
        payment: { status: 'FAILED', transactionId: '', failureCode: undefined },
        refund: undefined,
      },
    });
    for (const form of [4, '2', null]) {
      expect(() => decodeWebhookDelivery({ ...data, form })).toThrow(UnknownJobFormError);
      expect(() => decodeAnnouncement({ ...data, form })).toThrow(UnknownJobFormError);
    }
  });

  test('the samples of other tests are plain', () => {
    expect(fromJson(encodeAnnouncement({ event: sampleEvent(), isForced: false }))).toMatchObject({
      form: 2,
    });
  });
});
