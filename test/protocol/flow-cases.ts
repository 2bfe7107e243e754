import { expect } from 'vitest';
import {
  createPayment,
  type PaymentCase,
  readPayment,
  refuse,
  succeed,
  txn,
  validCreate,
} from './case-context.ts';

/** What takes more than one call to show. */
export const flowCases: readonly PaymentCase[] = [
  {
    name: 'ProcessPayment settles now, and answers the stored result ever after',
    essential: true,
    alone: true,
    async run({ client, clock }) {
      const paymentId = await createPayment(client);
      await clock.advance(5);
      const processedAt = new Date(clock.now()).toISOString();
      const settled = {
        payment_id: paymentId,
        status: 'PAYMENT_STATUS_COMPLETED',
        processed_at: processedAt,
        transaction_id: txn,
      };
      const first = await succeed(client, 'ProcessPayment', { payment_intent_id: paymentId });
      expect(first).toEqual(settled);
      await clock.advance(10_000);
      expect(await succeed(client, 'ProcessPayment', { payment_intent_id: paymentId })).toEqual(first);
      expect(await readPayment(client, paymentId)).toMatchObject({
        status: 'PAYMENT_STATUS_COMPLETED',
        processed_at: processedAt,
        transaction_id: first['transaction_id'],
      });
    },
  },
  {
    name: 'ProcessPayment keeps to the scenario and tells why a payment failed',
    async run({ client }) {
      const paymentId = await createPayment(client, { scenario: 'PAYMENT_SCENARIO_FAIL' });
      const request = { payment_intent_id: paymentId };
      expect(await succeed(client, 'ProcessPayment', request)).toMatchObject({
        status: 'PAYMENT_STATUS_FAILED',
        transaction_id: txn,
      });
      expect(await readPayment(client, paymentId)).toMatchObject({ failure_code: 'card_declined' });
    },
  },
  {
    name: 'GetPaymentStatus answers the payer',
    async run({ client }) {
      const paymentId = await createPayment(client, { user_id: 'payer' });
      const request = { payment_intent_id: paymentId, user_id: 'payer' };
      expect(await succeed(client, 'GetPaymentStatus', request)).toMatchObject({
        payment: { payment_intent_id: paymentId, user_id: 'payer' },
      });
    },
  },
  {
    name: 'GetPaymentStatus tells another user what it tells of a payment that does not exist',
    essential: true,
    async run({ client }) {
      const paymentId = await createPayment(client);
      const refusal = await refuse(client, 'GetPaymentStatus', {
        payment_intent_id: paymentId,
        user_id: 'somebody-else',
      });
      expect(refusal).toMatchObject({
        code: 'NOT_FOUND',
        message: `payment ${paymentId} not found`,
        violations: [],
      });
      const unknown = await refuse(client, 'GetPaymentStatus', { payment_intent_id: 'pay-unknown' });
      expect({ ...refusal, message: refusal.message.replace(paymentId, 'pay-unknown') }).toEqual(unknown);
    },
  },
  {
    name: 'the largest amount and text of any language arrive unchanged',
    async run({ client }) {
      const text = '예약 №1 – 🎫 %25 "quoted"';
      const paymentId = await createPayment(client, {
        reservation_id: text,
        amount: { amount: '9007199254740991', currency: 'USD' },
      });
      expect(await readPayment(client, paymentId)).toMatchObject({
        reservation_id: text,
        amount: { amount: '9007199254740991', currency: 'USD' },
      });
    },
  },
  {
    name: 'the text of an error arrives unchanged, whatever its language',
    async run({ client }) {
      const refusal = await refuse(client, 'GetPaymentStatus', { payment_intent_id: '결제: 100% 🎫' });
      expect(refusal).toMatchObject({ code: 'NOT_FOUND', message: 'payment 결제: 100% 🎫 not found' });
    },
  },
  {
    name: 'ids, keys and addresses of exactly the largest length are taken',
    async run({ client }) {
      const paymentId = await createPayment(client, {
        reservation_id: 'r'.repeat(128),
        user_id: 'u'.repeat(128),
        idempotency_key: 'k'.repeat(128),
        webhook_url: `http://127.0.0.1:9/${'w'.repeat(2_048 - 'http://127.0.0.1:9/'.length)}`,
        simulation: { delay_ms: 86_400_000 },
      });
      expect(await readPayment(client, paymentId)).toMatchObject({ user_id: 'u'.repeat(128) });
    },
  },
  {
    name: 'the same idempotency key and parameters give the same payment, another user another one',
    essential: true,
    async run({ client }) {
      const request = { idempotency_key: 'same-parameters', scenario: 'PAYMENT_SCENARIO_FAIL' };
      const paymentId = await createPayment(client, request);
      expect(await createPayment(client, request)).toBe(paymentId);
      expect(await createPayment(client, { ...request, user_id: 'user-2' })).not.toBe(paymentId);
    },
  },
  ...Object.entries({
    amount: { amount: { amount: '120001', currency: 'KRW' } },
    currency: { amount: { amount: '120000', currency: 'USD' } },
    reservation: { reservation_id: 'reservation-2' },
    scenario: { scenario: 'PAYMENT_SCENARIO_DELAY' },
    'webhook address': { webhook_url: 'http://127.0.0.1:9/other' },
    delay: { simulation: { delay_ms: 86_000_000 } },
    method: { method: 'PAYMENT_METHOD_CREDIT_CARD' },
    // Its session_id would be another session, whose keys are its own.
    metadata: { metadata: { source: 'another' } },
    refund: { simulation: { refund: { failure_code: 'expired_card' } } },
  }).map(([name, change]) => ({
    name: `an idempotency key is refused when it comes with another ${name}`,
    essential: name === 'amount',
    async run({ client }: Parameters<PaymentCase['run']>[0]) {
      const request = { idempotency_key: `other-${name}` };
      await createPayment(client, request);
      const refusal = await refuse(client, 'CreatePaymentIntent', validCreate({ ...request, ...change }));
      expect(refusal).toMatchObject({ code: 'ALREADY_EXISTS', violations: [] });
      expect(refusal.message).toContain(`"other-${name}"`);
    },
  })),
  {
    name: "ProcessPayment's idempotency key belongs to one payment",
    essential: true,
    async run({ client }) {
      const [first, second] = [await createPayment(client), await createPayment(client)];
      const key = { idempotency_key: 'process-once' };
      const settled = await succeed(client, 'ProcessPayment', { payment_intent_id: first, ...key });
      expect(await succeed(client, 'ProcessPayment', { payment_intent_id: first, ...key })).toEqual(settled);
      expect(await refuse(client, 'ProcessPayment', { payment_intent_id: second, ...key })).toMatchObject({
        code: 'ALREADY_EXISTS',
        violations: [],
      });
    },
  },
  {
    name: 'RESOURCE_EXHAUSTED while all payments that fit are pending, until one settles',
    essential: true,
    service: { env: { MAX_PAYMENTS: '2' } },
    async run({ client }) {
      const first = await createPayment(client);
      const second = await createPayment(client);
      const refusal = await refuse(client, 'CreatePaymentIntent', validCreate());
      expect(refusal).toMatchObject({ code: 'RESOURCE_EXHAUSTED', violations: [] });
      expect(refusal.message).toContain('MAX_PAYMENTS');
      await succeed(client, 'ProcessPayment', { payment_intent_id: first });
      await createPayment(client);
      expect(await refuse(client, 'GetPaymentStatus', { payment_intent_id: first })).toMatchObject({
        code: 'NOT_FOUND',
      });
      expect(await readPayment(client, second)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
    },
  },
  {
    name: 'INTERNAL for what nobody foresaw: its cause is logged, not sent',
    essential: true,
    service: {
      overrides: {
        newId: () => {
          throw new Error('the entropy ran out');
        },
      },
    },
    async run({ client, logs }) {
      expect(await refuse(client, 'CreatePaymentIntent', validCreate())).toEqual({
        ok: false,
        code: 'INTERNAL',
        message: 'internal error',
        violations: [],
      });
      const [line] = logs('Call failed');
      expect(line?.['level']).toBe('error');
      expect(JSON.stringify(line)).toContain('the entropy ran out');
    },
  },
];
