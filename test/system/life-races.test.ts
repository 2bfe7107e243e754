import { describe, expect, onTestFinished, test } from 'vitest';
import { Pool } from 'undici';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';
import { callOver, type ConnectAnswer, intentMessage } from './connect-json.ts';

requireRedisInCi();

const env = { EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0', DEFAULT_DELAY_MS: '86400000' };

type Caller = (
  nth: number,
  method: string,
  message: Record<string, unknown>,
  headers?: Readonly<Record<string, string>>,
) => Promise<ConnectAnswer>;

/** Calls that go to one service, or by turns to two that share a Redis. */
async function startCaller(isShared: boolean): Promise<Caller> {
  const redis = isShared ? await startRedisServer() : undefined;
  const starts = redis === undefined ? [{}] : [{ REDIS_URL: redis.url }, { REDIS_URL: redis.url }];
  const services = await Promise.all(starts.map((change) => startService({ ...env, ...change })));
  const pools = services.map(({ apiUrl }) => new Pool(apiUrl, { connections: 30 }));
  onTestFinished(async () => {
    await Promise.all(pools.map((pool) => pool.destroy()));
  });
  return (nth, method, message, headers) => {
    const pool = pools[nth % pools.length];
    if (pool === undefined) {
      throw new Error('there is no service');
    }
    return callOver(pool, method, message, headers);
  };
}

async function create(call: Caller, receiver: WebhookReceiver, amount = 100): Promise<string> {
  const { httpStatus, body } = await call(
    0,
    'CreatePaymentIntent',
    intentMessage({ amount: { amount, currency: 'KRW' }, webhook_url: receiver.url }),
  );
  expect(httpStatus, JSON.stringify(body)).toBe(200);
  return String(body['payment_intent_id']);
}

/** Numbers and statuses of the events of a payment that arrived, each event once. */
function eventsOf({ received }: WebhookReceiver, paymentId: string) {
  const events = new Map<unknown, { readonly sequence: number; readonly status: unknown }>();
  for (const { body } of received) {
    if (body['payment_id'] === paymentId) {
      events.set(body['event_id'], { sequence: Number(body['sequence']), status: body['status'] });
    }
  }
  return [...events.values()].toSorted((a, b) => a.sequence - b.sequence);
}

function won(amount: number) {
  return { amount, currency: 'KRW' };
}

const kinds = ['process', 'cancel', 'expire'] as const;

/** Many calls at once that each want another outcome, one kind first. */
async function race(call: Caller, paymentId: string, turn: number) {
  const id = { payment_intent_id: paymentId };
  const calls = {
    process: (nth: number) => call(nth, 'ProcessPayment', id),
    cancel: (nth: number) => call(nth, 'CancelPayment', id),
    expire: (nth: number) => call(nth, 'SimulateWebhook', { ...id, target_status: 'PAYMENT_STATUS_EXPIRED' }),
  };
  const answers = await Promise.all(
    Array.from({ length: 30 }, async (_, nth) => {
      const kind = kinds[(nth + turn) % kinds.length] ?? 'process';
      // Both replicas get every kind.
      return { kind, ...(await calls[kind](Math.floor(nth / kinds.length))) };
    }),
  );
  const good = (kind: (typeof kinds)[number]) =>
    answers.filter((answer) => answer.kind === kind && answer.httpStatus === 200).map(({ body }) => body);
  const refused = answers.filter(({ httpStatus }) => httpStatus !== 200);
  expect(refused.every(({ body }) => String(body['message']).startsWith('conflict: '))).toBe(true);
  return good;
}

describe.each([
  { name: 'one service', isShared: false },
  { name: 'two replicas on one Redis', isShared: true },
])('$name', ({ isShared }) => {
  const runs = !isShared || missingRedis === undefined;

  test.runIf(runs)(
    'of settling, cancelling and expiring at once exactly one wins',
    async () => {
      const call = await startCaller(isShared);
      const receiver = await startWebhookReceiver();
      const winners = new Set<unknown>();
      for (let turn = 0; turn < 12; turn += 1) {
        const paymentId = await create(call, receiver);
        const good = await race(call, paymentId, turn);
        const answer = await call(turn, 'GetPaymentStatus', { payment_intent_id: paymentId });
        const { status } = answer.body['payment'] as Record<string, unknown>;
        const count = status === 'PAYMENT_STATUS_REFUNDED' ? 2 : 1;
        await expect.poll(() => eventsOf(receiver, paymentId).length, { timeout: 20_000 }).toBe(count);
        const [first, second] = eventsOf(receiver, paymentId);
        winners.add(first?.status);
        // One settlement: all ProcessPayments tell the same.
        expect(new Set(good('process').map((body) => body['transaction_id'])).size).toBe(1);
        switch (first?.status) {
          case 'PAYMENT_STATUS_COMPLETED':
            // Then the cancellations were refunds, of which one found something to give back.
            expect(second).toEqual({ sequence: 2, status: 'PAYMENT_STATUS_REFUNDED' });
            expect(good('cancel')).toMatchObject([{ refunded_amount: { amount: '100' } }]);
            expect(good('expire')).toEqual([]);
            break;
          case 'PAYMENT_STATUS_CANCELLED':
            expect(good('cancel')).toMatchObject([{ status: 'PAYMENT_STATUS_CANCELLED' }]);
            expect(good('cancel')[0]).not.toHaveProperty('refund_id');
            expect(good('expire')).toEqual([]);
            break;
          case 'PAYMENT_STATUS_EXPIRED':
            expect(good('cancel')).toEqual([]);
            expect(new Set(good('expire').map((body) => body['webhook_id'])).size).toBe(1);
            break;
          default:
            expect.unreachable(String(first?.status));
        }
      }
      expect(winners.size).toBeGreaterThan(isShared ? 0 : 1);
    },
    60_000,
  );

  test.runIf(runs)(
    'many refunds at once never give back more than was paid',
    async () => {
      const call = await startCaller(isShared);
      const receiver = await startWebhookReceiver();
      const paymentId = await create(call, receiver);
      await call(0, 'ProcessPayment', { payment_intent_id: paymentId });
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, nth) =>
          call(nth, 'CancelPayment', { payment_intent_id: paymentId, refund_amount: won(7) }),
        ),
      );
      const good = answers.filter(({ httpStatus }) => httpStatus === 200);
      expect(good).toHaveLength(14);
      expect(new Set(good.map(({ body }) => body['refund_id'])).size).toBe(14);
      for (const { httpStatus, body } of answers.filter((answer) => !good.includes(answer))) {
        expect([httpStatus, body['code']]).toEqual([400, 'failed_precondition']);
        expect(body['message']).toContain('conflict: ');
      }
      const { body } = await call(1, 'GetPaymentStatus', { payment_intent_id: paymentId });
      expect(body['payment']).toMatchObject({
        status: 'PAYMENT_STATUS_COMPLETED',
        refunded_amount: { amount: '98', currency: 'KRW' },
      });
      await expect.poll(() => eventsOf(receiver, paymentId).length, { timeout: 30_000 }).toBe(15);
      expect(eventsOf(receiver, paymentId).map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 15 }, (_, at) => at + 1),
      );
      // The first webhook of each came in the order of the events.
      const told = receiver.received.map((webhook) => Number(webhook.body['sequence']));
      expect([...new Set(told)]).toEqual([...new Set(told)].toSorted((a, b) => a - b));
    },
    60_000,
  );

  test.runIf(runs)(
    'calls with one key are one refund, whichever way the key comes',
    async () => {
      const call = await startCaller(isShared);
      const receiver = await startWebhookReceiver();
      const paymentId = await create(call, receiver);
      await call(0, 'ProcessPayment', { payment_intent_id: paymentId });
      const request = { payment_intent_id: paymentId, refund_amount: won(30) };
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, nth) =>
          nth % 4 < 2
            ? call(nth, 'CancelPayment', { ...request, idempotency_key: 'key-1' })
            : call(nth, 'CancelPayment', request, { 'idempotency-key': 'key-1' }),
        ),
      );
      expect(new Set(answers.map(({ httpStatus }) => httpStatus))).toEqual(new Set([200]));
      expect(new Set(answers.map(({ body }) => body['refund_id'])).size).toBe(1);
      const others = [{ refund_amount: won(31) }, { refund_amount: undefined }, { reason: 'another' }];
      for (const [nth, change] of others.entries()) {
        const answer = await call(nth, 'CancelPayment', { ...request, ...change, idempotency_key: 'key-1' });
        expect([answer.httpStatus, answer.body['code']]).toEqual([409, 'already_exists']);
      }
      const { body } = await call(1, 'GetPaymentStatus', { payment_intent_id: paymentId });
      expect(body['payment']).toMatchObject({ refunded_amount: { amount: '30' } });
    },
    60_000,
  );
});
