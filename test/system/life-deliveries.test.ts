import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { readGivenUpWebhook } from '../../src/delivery/dead-letter/log-line.ts';
import { encodeWebhookBody } from '../../src/delivery/payload.ts';
import { verifyWebhook } from '../../src/webhook-format/verify.ts';
import { startEventRecorder } from '../support/event-recorder.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';
import { type ConnectCaller, createConnectCaller, createPayment } from './connect-json.ts';

requireRedisInCi();

const secret = 'secret-of-these-deliveries';
const evt = expect.stringMatching(/^evt-/) as unknown;
const rfd = expect.stringMatching(/^rfd-/) as unknown;
const txn = expect.stringMatching(/^txn-/) as unknown;

/** A service whose payments settle when they are told to, with both channels. */
async function start(isShared = false) {
  const [events, redis] = await Promise.all([
    startEventRecorder(),
    isShared ? startRedisServer() : Promise.resolve(undefined),
  ]);
  const service = await startService({
    ...events.env,
    DEFAULT_DELAY_MS: '86400000',
    SHUTDOWN_GRACE_MS: '0',
    WEBHOOK_SECRET: secret,
    ...(redis && { REDIS_URL: redis.url }),
  });
  return { events, service, call: createConnectCaller(service.apiUrl) };
}

async function succeed(call: ConnectCaller, method: string, message: Record<string, unknown>) {
  const { httpStatus, body } = await call(method, message);
  expect(httpStatus, JSON.stringify(body)).toBe(200);
  return body;
}

/** Bodies, verified, without the time of their attempt. */
function bodiesOf({ received }: WebhookReceiver): Record<string, unknown>[] {
  return received.map(({ rawBody, headers }) => {
    const { timestamp, ...fields } = verifyWebhook({ body: rawBody, headers, secret });
    expect(timestamp).toBeGreaterThan(0);
    return fields;
  });
}

function sequencesOf({ received }: WebhookReceiver): unknown[] {
  return received.map(({ body }) => body['sequence']);
}

describe.each([
  { name: 'in memory', isShared: false },
  { name: 'with Redis', isShared: true },
])('$name', ({ isShared }) => {
  const runs = !isShared || missingRedis === undefined;

  test.runIf(runs)('webhook and event tell each step of a payment, with its number', async () => {
    const { events, call } = await start(isShared);
    const receiver = await startWebhookReceiver();
    const paymentId = await createPayment(call, { webhook_url: receiver.url });
    const id = { payment_intent_id: paymentId };
    await succeed(call, 'ProcessPayment', id);
    const part = { ...id, refund_amount: { amount: 20_000, currency: 'KRW' } };
    const { refund_id: refundId } = await succeed(call, 'CancelPayment', part);
    await receiver.waitFor(2);
    await succeed(call, 'CancelPayment', id);
    await receiver.waitFor(3);
    const always = {
      payment_id: paymentId,
      reservation_id: 'reservation-1',
      amount: 120_000,
      currency: 'KRW',
      event_id: evt,
      transaction_id: txn,
    };
    const refunded = { ...always, refund_id: rfd, refund_status: 'SUCCEEDED' };
    const bodies = bodiesOf(receiver);
    expect(bodies).toEqual([
      { ...always, status: 'PAYMENT_STATUS_COMPLETED', event_type: 'payment.status_updated', sequence: 1 },
      {
        ...refunded,
        status: 'PAYMENT_STATUS_COMPLETED',
        event_type: 'payment.refund_updated',
        sequence: 2,
        refund_id: refundId,
        refunded_amount: 20_000,
      },
      {
        ...refunded,
        status: 'PAYMENT_STATUS_REFUNDED',
        event_type: 'payment.status_updated',
        sequence: 3,
        refunded_amount: 120_000,
      },
    ]);
    await expect.poll(() => events.events.length).toBe(3);
    const told = events.events.toSorted(
      (a, b) => Number(a.detail['sequence']) - Number(b.detail['sequence']),
    );
    expect(told.map(({ detailType }) => detailType)).toEqual([
      'Payment Status Updated',
      'Payment Refund Updated',
      'Payment Status Updated',
    ]);
    for (const [nth, { detail }] of told.entries()) {
      expect(detail).toMatchObject({ ...bodies[nth], user_id: 'user-1' });
    }
  });

  test.runIf(runs)(
    'a receiver that is slow with the first is told the next ones after it',
    async () => {
      const { events, call } = await start(isShared);
      let slow: ServerResponse | undefined;
      const receiver = await startWebhookReceiver((response) => {
        if (slow === undefined) {
          slow = response;
        } else {
          response.end();
        }
      });
      const paymentId = await createPayment(call, { webhook_url: receiver.url });
      const id = { payment_intent_id: paymentId };
      await succeed(call, 'ProcessPayment', id);
      await receiver.waitFor(1);
      const part = { ...id, refund_amount: { amount: 1, currency: 'KRW' } };
      await succeed(call, 'CancelPayment', part);
      await succeed(call, 'CancelPayment', part);
      // Another payment, made later, is told meanwhile: the receiver is asked.
      const other = await createPayment(call, { webhook_url: `${receiver.url}/other` });
      await succeed(call, 'CancelPayment', { payment_intent_id: other });
      await expect.poll(() => events.events.some(({ detail }) => detail['payment_id'] === other)).toBe(true);
      expect(receiver.received.filter(({ body }) => body['payment_id'] === paymentId)).toHaveLength(1);
      slow?.end();
      const mine = () =>
        receiver.received
          .filter(({ body }) => body['payment_id'] === paymentId)
          .map(({ body }) => body['sequence']);
      await expect.poll(mine, { timeout: 20_000 }).toEqual([1, 2, 3]);
    },
    30_000,
  );
});

test('a refund that fails is told with its reason, and changes nothing else', async () => {
  const { events, call } = await start();
  const receiver = await startWebhookReceiver();
  const paymentId = await createPayment(call, {
    webhook_url: receiver.url,
    simulation: { refund: { delay_ms: 1, failure_code: 'expired_card' } },
  });
  await succeed(call, 'ProcessPayment', { payment_intent_id: paymentId });
  await succeed(call, 'CancelPayment', { payment_intent_id: paymentId });
  await receiver.waitFor(2);
  expect(bodiesOf(receiver)[1]).toEqual({
    payment_id: paymentId,
    reservation_id: 'reservation-1',
    status: 'PAYMENT_STATUS_COMPLETED',
    amount: 120_000,
    currency: 'KRW',
    event_type: 'payment.refund_updated',
    event_id: evt,
    sequence: 2,
    transaction_id: txn,
    failure_code: 'expired_card',
    refund_id: rfd,
    refund_status: 'FAILED',
    refunded_amount: 0,
  });
  await expect
    .poll(() => events.events.map(({ detailType }) => detailType))
    .toContain('Payment Refund Updated');
});

test('what was cancelled, has expired or failed is told without what it does not have', async () => {
  const { call } = await start();
  const receiver = await startWebhookReceiver();
  for (const status of ['CANCELLED', 'EXPIRED', 'FAILED']) {
    const paymentId = await createPayment(call, { webhook_url: receiver.url });
    const target = { target_status: `PAYMENT_STATUS_${status}` };
    const sent = await succeed(call, 'SimulateWebhook', { payment_intent_id: paymentId, ...target });
    expect(sent).toMatchObject({ webhook_sent: true, webhook_id: evt });
  }
  await receiver.waitFor(3);
  const bodies = bodiesOf(receiver).toSorted((a, b) =>
    String(a['status']).localeCompare(String(b['status'])),
  );
  const optional = ['transaction_id', 'failure_code', 'refund_id', 'refund_status', 'refunded_amount'];
  expect(bodies.map((body) => [body['status'], optional.filter((name) => name in body)])).toEqual([
    ['PAYMENT_STATUS_CANCELLED', []],
    ['PAYMENT_STATUS_EXPIRED', []],
    ['PAYMENT_STATUS_FAILED', ['transaction_id', 'failure_code']],
  ]);
});

test('SimulateWebhook tells the same event again, and a contradiction under an id of its own', async () => {
  const { events, call } = await start();
  const receiver = await startWebhookReceiver();
  const paymentId = await createPayment(call, { webhook_url: receiver.url });
  const request = { payment_intent_id: paymentId, target_status: 'PAYMENT_STATUS_COMPLETED' };
  const { webhook_id: eventId } = await succeed(call, 'SimulateWebhook', request);
  await receiver.waitFor(1);
  expect(await succeed(call, 'SimulateWebhook', request)).toMatchObject({ webhook_id: eventId });
  await receiver.waitFor(2);
  const contrary = { ...request, target_status: 'PAYMENT_STATUS_FAILED' };
  expect(await call('SimulateWebhook', contrary)).toMatchObject({
    httpStatus: 400,
    body: { code: 'failed_precondition' },
  });
  const forced = await succeed(call, 'SimulateWebhook', { ...contrary, force_trigger: true });
  await receiver.waitFor(3);
  expect(receiver.received.map(({ body }) => [body['event_id'], body['status']])).toEqual([
    [eventId, 'PAYMENT_STATUS_COMPLETED'],
    [eventId, 'PAYMENT_STATUS_COMPLETED'],
    [forced['webhook_id'], 'PAYMENT_STATUS_FAILED'],
  ]);
  expect(forced['webhook_id']).not.toBe(eventId);
  await expect.poll(() => events.events.length).toBe(3);

  // After refunds the last status is told, with what was refunded.
  await succeed(call, 'CancelPayment', { payment_intent_id: paymentId });
  await receiver.waitFor(4);
  await succeed(call, 'SimulateWebhook', { ...request, target_status: 'PAYMENT_STATUS_REFUNDED' });
  await receiver.waitFor(5);
  const [refunded, again] = bodiesOf(receiver).slice(3);
  expect(again).toEqual(refunded);
  expect(again).toMatchObject({ status: 'PAYMENT_STATUS_REFUNDED', sequence: 2, refunded_amount: 120_000 });
});

test('SimulateWebhook sends when its delay is over, and not before', async () => {
  const clock = createFakeClock(Date.now());
  const service = await startService({ EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' }, { clock });
  const call = createConnectCaller(service.apiUrl);
  const receiver = await startWebhookReceiver();
  const paymentId = await createPayment(call, { webhook_url: receiver.url });
  const request = {
    payment_intent_id: paymentId,
    target_status: 'PAYMENT_STATUS_EXPIRED',
    delay_seconds: 10,
  };
  const planned = await succeed(call, 'SimulateWebhook', request);
  expect(planned).toEqual({ webhook_sent: true, scheduled_at: new Date(clock.now() + 10_000).toISOString() });
  await clock.advance(9_999);
  expect(receiver.received).toEqual([]);
  await clock.advance(1);
  await receiver.waitFor(1);
  expect(receiver.received[0]?.body).toMatchObject({ status: 'PAYMENT_STATUS_EXPIRED', sequence: 1 });
  const again = await succeed(call, 'SimulateWebhook', request);
  expect(again).toMatchObject({ webhook_id: receiver.received[0]?.body['event_id'] });
  await clock.advance(9_999);
  expect(receiver.received).toHaveLength(1);
  await clock.advance(1);
  await receiver.waitFor(2);
  expect(sequencesOf(receiver)).toEqual([1, 1]);
});

test('a webhook of a refund that is given up can be sent again from the log', async () => {
  const { service, call } = await start();
  const receiver = await startWebhookReceiver((response, { body }) =>
    response.writeHead(body['sequence'] === 1 ? 200 : 410).end(),
  );
  const paymentId = await createPayment(call, { webhook_url: receiver.url });
  await succeed(call, 'ProcessPayment', { payment_intent_id: paymentId });
  await succeed(call, 'CancelPayment', { payment_intent_id: paymentId });
  await expect.poll(() => service.logs('Webhook given up').length).toBe(1);
  const read = readGivenUpWebhook(JSON.stringify(service.logs('Webhook given up')[0]));
  expect(read?.url).toBe(receiver.url);
  const { body } = receiver.received[1] ?? {};
  expect(read && JSON.parse(encodeWebhookBody(read.event, Number(body?.['timestamp'])))).toEqual(body);
});
