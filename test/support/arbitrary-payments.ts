import * as fc from 'fast-check';
import type { DeliveryBehavior } from '../../src/payment/payment.ts';
import type { EventDelivery, EventRefund, PaymentEvent } from '../../src/payment/event.ts';
import type { PendingPayment, SettledPayment } from '../../src/payment/payment.ts';

/* Payments and events of every kind, for properties that hold for all of them. */

const text = fc.string({ unit: 'binary', maxLength: 20 });
const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const time = fc.nat({ max: 4_102_444_800_000 });
const amount = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const failureCode = fc.option(fc.string({ minLength: 1 }), { nil: undefined });
const settledStatus = fc.constantFrom('COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED', 'EXPIRED');

/** One way of a call to say where it belongs, or none. */
const trace = fc.option(
  fc.oneof(
    fc.record({
      traceparent: fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
      tracestate: fc.option(id, { nil: undefined }),
      requestId: fc.option(id, { nil: undefined }),
    }),
    fc.record({ traceparent: fc.constant(undefined), tracestate: fc.constant(undefined), requestId: id }),
  ),
  { nil: undefined },
);

const metadata = fc.record({
  source: text,
  userAgent: text,
  ipAddress: text,
  sessionId: text,
  scenario: text,
  tags: fc.dictionary(
    text.filter((name) => name !== '__proto__'),
    text,
    { maxKeys: 5, noNullPrototype: true },
  ),
});

const extras = fc.option(
  fc.record(
    {
      method: fc.constantFrom('CREDIT_CARD', 'DEBIT_CARD', 'BANK_TRANSFER', 'MOBILE_PAY', 'DIGITAL_WALLET'),
      metadata,
      refundPlan: fc.record({ delayMs: fc.nat(), failureCode }),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
);

const terms = {
  id,
  reservationId: id,
  userId: id,
  money: fc.record({ amount, currency: fc.constantFrom('KRW', 'USD') }),
  scenario: fc.constantFrom('APPROVE', 'FAIL', 'DELAY', 'RANDOM'),
  webhookUrl: fc.option(fc.webUrl(), { nil: undefined }),
  plannedOutcome: fc.constantFrom('COMPLETED', 'FAILED', 'CANCELLED', 'EXPIRED'),
  createdAtMs: time,
  dueAtMs: time,
  trace,
  extras,
};

/** Any payment that waits for its outcome. */
export const pendingPayments: fc.Arbitrary<PendingPayment> = fc.record({
  ...terms,
  status: fc.constant('PENDING'),
});

const refunds = fc.array(
  fc.record({
    id,
    amount,
    status: fc.constantFrom('PENDING', 'SUCCEEDED', 'FAILED'),
    requestedAtMs: time,
    failureCode,
  }),
  { maxLength: 4 },
);

const aftermath = fc.record({ updatedAtMs: time, eventIds: fc.array(id, { maxLength: 4 }), refunds });

const settlement = {
  settledAtMs: time,
  transactionId: text,
  eventId: id,
  failureCode,
};

/** Any payment with an outcome; only a REFUNDED one must have had something come after. */
export const settledPayments: fc.Arbitrary<SettledPayment> = fc.oneof(
  fc.record({
    ...terms,
    ...settlement,
    status: fc.constantFrom('COMPLETED', 'FAILED', 'CANCELLED', 'EXPIRED'),
  }),
  fc.record({ ...terms, ...settlement, status: settledStatus, aftermath }),
);

const eventRefund: fc.Arbitrary<EventRefund | undefined> = fc.option(
  fc.record({
    id,
    status: fc.constantFrom('SUCCEEDED', 'FAILED'),
    refundedAmount: fc.maxSafeNat(),
    failureCode,
  }),
  { nil: undefined },
);

const deliveryBehavior: fc.Arbitrary<DeliveryBehavior> = fc.record({
  channel: fc.constantFrom('webhook', 'eventbridge', undefined),
  copies: fc.integer({ min: 1, max: 10 }),
  delayMs: fc.nat(),
  drop: fc.boolean(),
  holdUntilNextEvent: fc.boolean(),
  signature: fc.constantFrom('WRONG_SECRET', 'MISSING', 'STALE', 'TAMPERED', undefined),
  conflictingStatus: fc.constantFrom('COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED', 'EXPIRED', undefined),
});

const eventDelivery: fc.Arbitrary<EventDelivery | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('planned'),
      behavior: deliveryBehavior,
      held: fc.constant(undefined),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('arranged'),
      channel: fc.constantFrom('webhook', 'eventbridge'),
      signature: fc.constantFrom('WRONG_SECRET', 'MISSING', 'STALE', 'TAMPERED', undefined),
      isHeldBack: fc.boolean(),
    }),
  },
);

/** Any event. */
export const paymentEvents: fc.Arbitrary<PaymentEvent> = fc.record({
  id,
  type: fc.constantFrom('payment.status_updated', 'payment.refund_updated'),
  sequence: fc.integer({ min: 1, max: 1_000 }),
  occurredAtMs: time,
  destination: terms.webhookUrl,
  payment: fc.record({
    id,
    reservationId: id,
    userId: id,
    status: settledStatus,
    money: terms.money,
    trace,
    transactionId: text,
    failureCode,
  }),
  sessionId: fc.option(id, { nil: undefined }),
  delivery: eventDelivery,
  refund: eventRefund,
});
