import { expect, test } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from './connect-json.ts';

const local = { EVENTBRIDGE: 'off' };

test('200 ProcessPayment calls at once against the timer: one settlement, one webhook, one answer', async () => {
  const clock = createFakeClock(Date.now());
  const service = await startService(local, { clock });
  const receiver = await startWebhookReceiver();
  const call = createConnectCaller(service.apiUrl, 100);
  // The timer fires after this many answers: before all, among them, after all.
  const rounds = [0, 1, 20, 100, 150, 199, 200];
  for (const fireAfter of rounds) {
    const paymentId = await createPayment(call, {
      scenario: 'PAYMENT_SCENARIO_FAIL',
      webhook_url: receiver.url,
    });
    let answered = 0;
    const fire = Promise.withResolvers<void>();
    const advance = fire.promise.then(() => clock.advance(2_000));
    const fireWhenDue = () => {
      if (answered >= fireAfter) {
        fire.resolve();
      }
    };
    fireWhenDue();
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const answer = await call('ProcessPayment', { payment_intent_id: paymentId });
        answered += 1;
        fireWhenDue();
        return answer;
      }),
    );
    await advance;
    expect(new Set(answers.map((answer) => answer.httpStatus))).toEqual(new Set([200]));
    const distinct = new Set(answers.map((answer) => JSON.stringify(answer.body)));
    expect(distinct.size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ payment_id: paymentId, status: 'PAYMENT_STATUS_FAILED' });
  }
  await receiver.waitFor(rounds.length);
  await clock.advance(60_000);
  expect(new Set(receiver.received.map((webhook) => webhook.body['payment_id'])).size).toBe(rounds.length);
  expect(receiver.received).toHaveLength(rounds.length);
  expect(service.logs('Payment processed successfully')).toHaveLength(rounds.length);
  expect(await service.metric('payment_settlements_total{status="FAILED"}')).toBe(rounds.length);
  expect(await service.metric('payment_settlements_scheduled')).toBe(0);
});

test('10,000 payments created at once all settle, each once, and the metrics add up', async () => {
  const count = 10_000;
  const service = await startService({
    ...local,
    DEFAULT_DELAY_MS: '100',
    DEFAULT_SCENARIO: 'random',
    RANDOM_SEED: '1',
    LOG_LEVEL: 'info',
  });
  const receiver = await startWebhookReceiver();
  const call = createConnectCaller(service.apiUrl, 100);
  const ids = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      createPayment(call, { reservation_id: `reservation-${i}`, webhook_url: receiver.url }),
    ),
  );
  const webhooks = await receiver.waitFor(count);

  expect(new Set(ids).size).toBe(count);
  const told = webhooks.map((webhook) => webhook.body);
  expect(new Set(told.map((body) => body['payment_id']))).toEqual(new Set(ids));
  expect(new Set(told.map((body) => body['event_id'])).size).toBe(count);
  const failed = told.filter((body) => body['status'] === 'PAYMENT_STATUS_FAILED').length;
  expect(failed / count).toBeGreaterThan(0.45);
  expect(failed / count).toBeLessThan(0.55);

  await expect.poll(() => service.metric('webhook_deliveries_total{outcome="delivered"}')).toBe(count);
  const labels =
    'grpc_type="unary",grpc_service="payment.v1.PaymentService",grpc_method="CreatePaymentIntent"';
  expect({
    created: await service.metric('payment_intents_created_total{scenario="RANDOM"}'),
    completed: await service.metric('payment_settlements_total{status="COMPLETED"}'),
    failed: await service.metric('payment_settlements_total{status="FAILED"}'),
    lagged: await service.metric('payment_settlement_lag_seconds_count'),
    stored: await service.metric('payment_stored{state="settled"}'),
    pending: await service.metric('payment_stored{state="pending"}'),
    scheduled: await service.metric('payment_settlements_scheduled'),
    attempts: await service.metric('webhook_attempts_total{outcome="delivered"}'),
    waiting: await service.metric('webhook_connections{state="waiting"}'),
    started: await service.metric(`grpc_server_started_total{${labels}}`),
    handled: await service.metric(`grpc_server_handled_total{${labels},grpc_code="OK"}`),
    timed: await service.metric(`grpc_server_handling_seconds_count{${labels}}`),
  }).toEqual({
    created: count,
    completed: count - failed,
    failed,
    lagged: count,
    stored: count,
    pending: 0,
    scheduled: 0,
    attempts: count,
    waiting: 0,
    started: count,
    handled: count,
    timed: count,
  });
  expect(service.logs('Payment processed successfully')).toHaveLength(count);
  expect(receiver.received).toHaveLength(count);
}, 60_000);
