import { expect } from 'vitest';
import type { JsonObject, PaymentClient } from '../support/clients/payment-client.ts';
import { createPayment, type PaymentCase, readPayment, refuse, succeed } from './case-context.ts';

const rfd = expect.stringMatching(/^rfd-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string;
const evt = expect.stringMatching(/^evt-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string;

function won(amount: number): JsonObject {
  return { amount: String(amount), currency: 'KRW' };
}

/** A payment that is COMPLETED, of 120,000 KRW. */
async function createPaid(client: PaymentClient, changes: JsonObject = {}): Promise<string> {
  const paymentId = await createPayment(client, changes);
  expect(await succeed(client, 'ProcessPayment', { payment_intent_id: paymentId })).toMatchObject({
    status: 'PAYMENT_STATUS_COMPLETED',
  });
  return paymentId;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

const cancelCases: readonly PaymentCase[] = [
  {
    name: 'CancelPayment cancels a pending payment, which never settles then',
    essential: true,
    alone: true,
    async run({ client, clock }) {
      const paymentId = await createPayment(client);
      await clock.advance(5);
      const cancelledAt = isoTime(clock.now());
      const request = { payment_intent_id: paymentId, reason: '마음이 바뀌었다' };
      expect(await succeed(client, 'CancelPayment', request)).toEqual({
        status: 'PAYMENT_STATUS_CANCELLED',
        cancelled_at: cancelledAt,
      });
      await clock.advance(100_000);
      const payment = await readPayment(client, paymentId);
      expect(payment).toMatchObject({ status: 'PAYMENT_STATUS_CANCELLED', updated_at: cancelledAt });
      expect(Object.keys(payment)).not.toEqual(
        expect.arrayContaining(['processed_at', 'transaction_id', 'failure_code', 'refunded_amount']),
      );
      expect(await succeed(client, 'ProcessPayment', { payment_intent_id: paymentId })).toEqual({
        payment_id: paymentId,
        status: 'PAYMENT_STATUS_CANCELLED',
      });
      const refusal = await refuse(client, 'CancelPayment', request);
      expect(refusal).toEqual({
        ok: false,
        code: 'FAILED_PRECONDITION',
        message: `conflict: payment ${paymentId} is CANCELLED and cannot be cancelled or refunded`,
        violations: [],
      });
    },
  },
  {
    name: 'CancelPayment refunds a completed payment in parts, until nothing is left',
    essential: true,
    alone: true,
    async run({ client, clock }) {
      const paymentId = await createPaid(client);
      const processedAt = (await readPayment(client, paymentId))['processed_at'];
      await clock.advance(5);
      const refundedAt = isoTime(clock.now());
      const request = { payment_intent_id: paymentId };
      const part = await succeed(client, 'CancelPayment', { ...request, refund_amount: won(20_000) });
      expect(part).toEqual({
        status: 'PAYMENT_STATUS_COMPLETED',
        cancelled_at: refundedAt,
        refunded_amount: won(20_000),
        refund_id: rfd,
      });
      expect(await readPayment(client, paymentId)).toMatchObject({
        status: 'PAYMENT_STATUS_COMPLETED',
        refunded_amount: won(20_000),
        processed_at: processedAt,
        updated_at: refundedAt,
      });
      const tooMuch = await refuse(client, 'CancelPayment', { ...request, refund_amount: won(100_001) });
      expect(tooMuch).toMatchObject({ code: 'FAILED_PRECONDITION' });
      expect(tooMuch.message).toContain('conflict: ');
      expect(tooMuch.message).toContain('100000 KRW left');
      const rest = await succeed(client, 'CancelPayment', request);
      expect(rest).toMatchObject({ status: 'PAYMENT_STATUS_REFUNDED', refunded_amount: won(100_000) });
      expect(rest['refund_id']).not.toBe(part['refund_id']);
      expect(await readPayment(client, paymentId)).toMatchObject({
        status: 'PAYMENT_STATUS_REFUNDED',
        refunded_amount: won(120_000),
      });
      expect(await refuse(client, 'CancelPayment', request)).toMatchObject({ code: 'FAILED_PRECONDITION' });
    },
  },
  {
    name: 'a refund may take time, and what it may take is not left for others',
    alone: true,
    async run({ client, clock }) {
      const paymentId = await createPaid(client, { simulation: { refund: { delay_ms: 5_000 } } });
      const request = { payment_intent_id: paymentId };
      const begun = await succeed(client, 'CancelPayment', { ...request, refund_amount: won(120_000) });
      expect(begun).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED', refunded_amount: won(120_000) });
      expect(await readPayment(client, paymentId)).not.toHaveProperty('refunded_amount');
      const refusal = await refuse(client, 'CancelPayment', { ...request, refund_amount: won(1) });
      expect(refusal).toMatchObject({ code: 'FAILED_PRECONDITION' });
      await clock.advance(4_999);
      expect(await readPayment(client, paymentId)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
      await clock.advance(1);
      expect(await readPayment(client, paymentId)).toMatchObject({
        status: 'PAYMENT_STATUS_REFUNDED',
        refunded_amount: won(120_000),
        updated_at: isoTime(clock.now()),
      });
    },
  },
  {
    name: 'a refund that takes time and fails leaves the money where it was',
    alone: true,
    async run({ client, clock }) {
      const paymentId = await createPaid(client, {
        simulation: { refund: { delay_ms: 5_000, failure_code: 'expired_card' } },
      });
      const request = { payment_intent_id: paymentId };
      expect(await succeed(client, 'CancelPayment', request)).toMatchObject({ refund_id: rfd });
      await clock.advance(5_000);
      const payment = await readPayment(client, paymentId);
      expect(payment).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
      expect(payment).not.toHaveProperty('refunded_amount');
      expect(payment).not.toHaveProperty('failure_code');
      expect(await succeed(client, 'CancelPayment', request)).toMatchObject({
        refunded_amount: won(120_000),
      });
    },
  },
  ...[
    { refund: { outcome: 'SIMULATED_OUTCOME_DECLINE' }, failureCode: 'processing_error' },
    { refund: { failure_code: 'expired_card' }, failureCode: 'expired_card' },
  ].map(({ refund, failureCode }): PaymentCase => ({
    name: `a refund that fails at once is refused: ${failureCode}`,
    async run({ client }) {
      const paymentId = await createPaid(client, { simulation: { refund } });
      expect(await refuse(client, 'CancelPayment', { payment_intent_id: paymentId })).toEqual({
        ok: false,
        code: 'FAILED_PRECONDITION',
        message: `the refund of payment ${paymentId} was declined: ${failureCode}`,
        violations: [],
      });
      expect(await readPayment(client, paymentId)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
    },
  })),
  {
    name: 'what was not paid cannot be refunded, and currencies are not exchanged',
    async run({ client }) {
      const pending = await createPayment(client);
      const part = { payment_intent_id: pending, refund_amount: won(1) };
      expect(await refuse(client, 'CancelPayment', part)).toMatchObject({ code: 'FAILED_PRECONDITION' });
      expect(await readPayment(client, pending)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
      const failed = {
        payment_intent_id: await createPayment(client, { scenario: 'PAYMENT_SCENARIO_FAIL' }),
      };
      await succeed(client, 'ProcessPayment', failed);
      const refusal = await refuse(client, 'CancelPayment', failed);
      expect(refusal).toMatchObject({ code: 'FAILED_PRECONDITION' });
      expect(refusal.message).toContain('conflict');
      const dollars = { amount: '1', currency: 'USD' };
      const paid = { payment_intent_id: await createPaid(client), refund_amount: dollars };
      expect(await refuse(client, 'CancelPayment', paid)).toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [{ field: 'refund_amount.currency' }],
      });
    },
  },
  {
    name: 'an idempotency key makes one refund of many calls, and is refused with other parameters',
    essential: true,
    async run({ client }) {
      const paymentId = await createPaid(client);
      const request = {
        payment_intent_id: paymentId,
        refund_amount: won(50_000),
        idempotency_key: `refund-${paymentId}`,
      };
      const first = await succeed(client, 'CancelPayment', request);
      expect(await succeed(client, 'CancelPayment', request)).toEqual(first);
      expect(await readPayment(client, paymentId)).toMatchObject({ refunded_amount: won(50_000) });
      for (const change of [{ refund_amount: won(50_001) }, { reason: 'another' }]) {
        expect(await refuse(client, 'CancelPayment', { ...request, ...change })).toMatchObject({
          code: 'ALREADY_EXISTS',
          violations: [],
        });
      }
    },
  },
];

interface Page {
  readonly ids: readonly string[];
  readonly info: JsonObject;
}

async function listPage(client: PaymentClient, request: JsonObject): Promise<Page> {
  const message = await succeed(client, 'ListPayments', request);
  const payments = (message['payments'] ?? []) as JsonObject[];
  return {
    ids: payments.map((payment) => payment['payment_intent_id'] as string),
    info: (message['page_info'] ?? {}) as JsonObject,
  };
}

/** Those of one millisecond are listed by their ids. */
function newestFirst(ids: readonly string[]): readonly string[] {
  return ids.toSorted().toReversed();
}

const listCases: readonly PaymentCase[] = [
  {
    name: 'ListPayments gives pages by cursor, there and back, and by number',
    essential: true,
    alone: true,
    async run({ client, clock }) {
      const fields = { user_id: `lister ${clock.now()}` };
      const older = [await createPayment(client, fields), await createPayment(client, fields)];
      await clock.advance(1);
      const newer = [
        await createPayment(client, fields),
        await createPayment(client, fields),
        await createPayment(client, fields),
      ];
      const all = [...newestFirst(newer), ...newestFirst(older)];
      const at = (pagination: JsonObject) => listPage(client, { ...fields, pagination });
      const first = await at({ page_size: 2 });
      expect(first).toMatchObject({ ids: all.slice(0, 2), info: { total_count: 5, has_next_page: true } });
      expect(first.info).not.toHaveProperty('previous_cursor');
      const second = await at({ page_size: 2, cursor: first.info['next_cursor'] });
      expect(second).toMatchObject({
        ids: all.slice(2, 4),
        info: { total_count: 5, has_next_page: true, has_previous_page: true },
      });
      const third = await at({ page_size: 2, cursor: second.info['next_cursor'] });
      expect(third).toMatchObject({ ids: all.slice(4), info: { total_count: 5, has_previous_page: true } });
      expect(third.info).not.toHaveProperty('next_cursor');
      const back = await at({ page_size: 2, cursor: third.info['previous_cursor'] });
      expect(back).toEqual(second);
      expect(await at({ page: 2, page_size: 2 })).toEqual(second);
      expect((await at({ page_size: 100_000 })).ids).toEqual(all);
      expect((await listPage(client, fields)).ids).toEqual(all);
      const moved = { user_id: 'somebody-else', pagination: { cursor: first.info['next_cursor'] } };
      expect(await refuse(client, 'ListPayments', moved)).toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [{ field: 'pagination.cursor' }],
      });
    },
  },
  {
    name: 'ListPayments filters by payer, reservation and status, and shows payments as they are',
    essential: true,
    async run({ client }) {
      const reservationId = `reservation ${await createPayment(client)}`;
      const fields = { reservation_id: reservationId };
      const pending = await createPayment(client, { ...fields, user_id: 'first' });
      const paid = await createPaid(client, { ...fields, user_id: 'second', metadata: { source: 'app' } });
      const cancelled = await createPayment(client, { ...fields, user_id: 'second' });
      await succeed(client, 'CancelPayment', { payment_intent_id: cancelled });
      const idsBy = async (request: JsonObject) => (await listPage(client, { ...fields, ...request })).ids;
      expect((await idsBy({})).toSorted()).toEqual([pending, paid, cancelled].toSorted());
      expect(await idsBy({ status: 'PAYMENT_STATUS_PENDING' })).toEqual([pending]);
      expect(await idsBy({ status: 'PAYMENT_STATUS_CANCELLED' })).toEqual([cancelled]);
      expect(await idsBy({ user_id: 'first' })).toEqual([pending]);
      expect(await idsBy({ user_id: 'second', status: 'PAYMENT_STATUS_COMPLETED' })).toEqual([paid]);
      expect(await idsBy({ user_id: 'third' })).toEqual([]);
      const { payments } = await succeed(client, 'ListPayments', { ...fields, status: 2 });
      expect(payments).toEqual([await readPayment(client, paid)]);
    },
  },
];

const webhookCases: readonly PaymentCase[] = [
  {
    name: 'SimulateWebhook gives a pending payment its outcome now',
    essential: true,
    async run({ client, clock }) {
      for (const status of ['COMPLETED', 'FAILED', 'CANCELLED', 'EXPIRED']) {
        const paymentId = await createPayment(client);
        const target = `PAYMENT_STATUS_${status}`;
        const request = { payment_intent_id: paymentId, target_status: target };
        const sent = await succeed(client, 'SimulateWebhook', request);
        expect(sent).toEqual({ webhook_id: evt, scheduled_at: isoTime(clock.now()) });
        const payment = await readPayment(client, paymentId);
        expect(payment).toMatchObject({ status: target });
        expect('transaction_id' in payment).toBe(status === 'COMPLETED' || status === 'FAILED');
        // Again: the same event.
        expect(await succeed(client, 'SimulateWebhook', request)).toEqual(sent);
      }
    },
  },
  {
    name: 'SimulateWebhook gives a pending payment its outcome later, instead of the planned one',
    alone: true,
    async run({ client, clock }) {
      const paymentId = await createPayment(client);
      const sent = await succeed(client, 'SimulateWebhook', {
        payment_intent_id: paymentId,
        target_status: 'PAYMENT_STATUS_EXPIRED',
        delay_seconds: 60,
      });
      expect(sent).toEqual({ scheduled_at: isoTime(clock.now() + 60_000) });
      await clock.advance(59_999);
      expect(await readPayment(client, paymentId)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
      await clock.advance(1);
      expect(await readPayment(client, paymentId)).toMatchObject({ status: 'PAYMENT_STATUS_EXPIRED' });
    },
  },
  {
    name: 'SimulateWebhook contradicts an outcome only when it is forced to, and changes nothing',
    essential: true,
    async run({ client }) {
      const paymentId = await createPaid(client);
      const before = await readPayment(client, paymentId);
      const told = { payment_intent_id: paymentId, target_status: 'PAYMENT_STATUS_COMPLETED' };
      const { webhook_id: eventId } = await succeed(client, 'SimulateWebhook', told);
      const contrary = { payment_intent_id: paymentId, target_status: 'PAYMENT_STATUS_FAILED' };
      const refusal = await refuse(client, 'SimulateWebhook', contrary);
      expect(refusal).toMatchObject({ code: 'FAILED_PRECONDITION', violations: [] });
      expect(refusal.message).toContain(`conflict: payment ${paymentId} is COMPLETED, not FAILED`);
      const forced = await succeed(client, 'SimulateWebhook', { ...contrary, force_trigger: true });
      expect(forced).toMatchObject({ webhook_id: evt });
      expect(forced['webhook_id']).not.toBe(eventId);
      expect(await readPayment(client, paymentId)).toEqual(before);
      const pending = await createPayment(client);
      const refunded = { payment_intent_id: pending, target_status: 'PAYMENT_STATUS_REFUNDED' };
      for (const force of [false, true]) {
        expect(await refuse(client, 'SimulateWebhook', { ...refunded, force_trigger: force })).toMatchObject({
          code: 'FAILED_PRECONDITION',
        });
      }
    },
  },
];

const keptCases: readonly PaymentCase[] = [
  {
    name: 'method and metadata are given back as they came',
    essential: true,
    async run({ client }) {
      const fields = {
        method: 'PAYMENT_METHOD_BANK_TRANSFER',
        metadata: {
          source: 'mobile app',
          user_agent: 'Mozilla/5.0 "(X11)"',
          ip_address: '2001:db8::1',
          session_id: '세션 1',
          scenario: 'checkout',
          tags: {
            shop: 'seoul',
            created_at: 'not a time',
            camelCase: 'é 🎫',
            ['n'.repeat(64)]: 'v'.repeat(512),
          },
        },
      };
      const paymentId = await createPayment(client, fields);
      expect(await readPayment(client, paymentId)).toMatchObject(fields);
      await succeed(client, 'ProcessPayment', { payment_intent_id: paymentId });
      expect(await readPayment(client, paymentId)).toMatchObject(fields);
    },
  },
  {
    name: 'a payment without method and metadata has none',
    async run({ client }) {
      const payment = await readPayment(client, await createPayment(client));
      expect(payment).not.toHaveProperty('method');
      expect(payment).not.toHaveProperty('metadata');
      const tagged = await createPayment(client, { metadata: { tags: { a: '' } } });
      expect((await readPayment(client, tagged))['metadata']).toEqual({ tags: { a: '' } });
      const unspecified = await createPayment(client, { method: 'PAYMENT_METHOD_UNSPECIFIED' });
      expect(await readPayment(client, unspecified)).not.toHaveProperty('method');
    },
  },
];

/** What becomes of a payment after it was created, and what is kept with it. */
export const lifeCases: readonly PaymentCase[] = [
  ...cancelCases,
  ...listCases,
  ...webhookCases,
  ...keptCases,
];
