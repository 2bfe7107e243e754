import { expect, test } from 'vitest';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';

test('10,000 payments created at once all settle, each once, and the metrics add up', async () => {
  const count = 10_000;
  const service = await startService({
    EVENTBRIDGE: 'off',
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
