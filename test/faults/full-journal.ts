// A journal that is filled as the service fills it, by a child process that tells how much memory it holds. Needs
// --expose-gc.
import { create } from '@bufbuild/protobuf';
import {
  CreatePaymentIntentRequestSchema,
  CreatePaymentIntentResponseSchema,
  PaymentService,
} from '../../gen/payment/v1/payment_pb.js';
import { systemClock } from '../../src/base/clock.ts';
import { createRandomIds } from '../../src/base/ids.ts';
import { createCallRecorder } from '../../src/contracts/steering/call-record.ts';
import { webhookRequest } from '../../src/delivery/webhook/attempt.ts';
import { noteDeliveries, notePayments } from '../../src/observability/journal-feed.ts';
import { settle } from '../../src/payment/lifecycle.ts';
import type { PendingPayment } from '../../src/payment/payment.ts';
import { createJournal } from '../../src/simulator/journal/journal.ts';
import { secretToSigningKey } from '../../src/webhook-format/signature.ts';

const maxBytes = 33_554_432;
const payments = 40_000;
const isLong = process.argv[2] === 'long';
const newId = createRandomIds();
const clock = systemClock;
const keys = [secretToSigningKey('secret')] as const;

function heap(): number {
  globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
  globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
  return process.memoryUsage().heapUsed;
}

/** A text of its own, as those that come in by a socket are. */
function text(start: string, i: number): string {
  return Buffer.from(`${start}-${i}`.padEnd(isLong ? 120 : 12, 'x')).toString();
}

const journal = createJournal(maxBytes, 1);
const feed = { machine: clock, clock, append: journal.append, wants: () => true };
const observePayment = notePayments(feed);
const observeDelivery = noteDeliveries(feed);
const recordCall = createCallRecorder(clock, feed, PaymentService.typeName);

function pay(i: number): void {
  const [reservationId, userId] = [text('reservation', i), text('user', i)];
  const url = `http://127.0.0.1:1/${text('hook', i)}`;
  const request = create(CreatePaymentIntentRequestSchema, {
    reservationId,
    userId,
    amount: { amount: 120_000n, currency: 'KRW' },
    webhookUrl: url,
    idempotencyKey: text('key', i),
  });
  const payment: PendingPayment = {
    id: newId('pay'),
    reservationId,
    userId,
    money: { amount: 120_000, currency: 'KRW' },
    scenario: 'APPROVE',
    webhookUrl: url,
    plannedOutcome: 'COMPLETED',
    createdAtMs: Date.now(),
    dueAtMs: Date.now() + 2_000,
    trace: undefined,
    extras: undefined,
    status: 'PENDING',
  };
  observePayment({ kind: 'created', payment });
  const answer = create(CreatePaymentIntentResponseSchema, { paymentIntentId: payment.id, status: 1 });
  const method = PaymentService.method.createPaymentIntent;
  recordCall({ method, request, answer, failure: undefined, decision: undefined, durationMs: Math.random() });
  const change = settle(payment, {
    status: 'COMPLETED',
    settledAtMs: Date.now(),
    transactionId: newId('txn'),
    eventId: newId('evt'),
    failureCode: undefined,
  });
  observePayment({ kind: 'changed', change });
  const { event } = change;
  observeDelivery({ kind: 'accepted', event });
  const { headers, body } = webhookRequest(keys, event, Math.floor(Date.now() / 1000));
  observeDelivery({
    kind: 'webhook-attempted',
    delivery: {
      event,
      url,
      attempts: 0,
      waits: 0,
      askedMs: 0,
      firstAttemptAtMs: undefined,
      lastAttemptAtMs: undefined,
      lastError: undefined,
    },
    headers,
    body,
    result: { outcome: 'delivered', statusCode: 200, answer: text('ok', i) },
    startedAtMs: Date.now(),
    durationMs: Math.random(),
  });
}

const before = heap();
for (let i = 0; i < payments; i += 1) {
  pay(i);
}
const heldBytes = heap() - before;
process.send?.({
  countedBytes: journal.bytes(),
  heldBytes,
  entries: journal.next() - journal.oldest(),
  deliveries: journal.deliveries.find(() => true).length,
});
process.disconnect();
