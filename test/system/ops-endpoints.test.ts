import { expect, test } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from './connect-json.ts';

const local = { EVENTBRIDGE: 'off' };

function labels(method: string): string {
  return `grpc_type="unary",grpc_service="payment.v1.PaymentService",grpc_method="${method}"`;
}

async function read(url: string) {
  const response = await fetch(url);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

test('a running service is healthy, alive and ready', async () => {
  const { opsUrl } = await startService(local);
  const json = 'application/json; charset=utf-8';
  expect(await read(`${opsUrl}/health`)).toEqual({
    status: 200,
    type: json,
    text: '{"status":"healthy","service":"payment-sim-api"}',
  });
  expect(await read(`${opsUrl}/livez`)).toEqual({
    status: 200,
    type: json,
    text: '{"status":"alive","service":"payment-sim-api"}',
  });
  expect(await read(`${opsUrl}/readyz`)).toEqual({
    status: 200,
    type: json,
    text: '{"status":"ready","service":"payment-sim-api"}',
  });
  expect((await read(`${opsUrl}/nothing`)).status).toBe(404);
});

test('while it drains it is alive but neither healthy nor ready, takes no calls, and settles what is pending', async () => {
  const clock = createFakeClock(Date.now());
  const { app, apiUrl, opsUrl } = await startService(local, { clock });
  const receiver = await startWebhookReceiver();
  const call = createConnectCaller(apiUrl, 1);
  await createPayment(call, { webhook_url: receiver.url });
  const stopped = app.stop();
  await expect.poll(async () => (await read(`${opsUrl}/readyz`)).status).toBe(503);
  expect(JSON.parse((await read(`${opsUrl}/readyz`)).text)).toMatchObject({ reason: 'draining' });
  const health = await read(`${opsUrl}/health`);
  expect(health.status).toBe(503);
  expect(JSON.parse(health.text)).toMatchObject({ status: 'unhealthy', service: 'payment-sim-api' });
  expect((await read(`${opsUrl}/livez`)).status).toBe(200);
  expect((await read(`${opsUrl}/metrics`)).text).toContain('payment_stored{state="pending"} 1');
  await expect(fetch(apiUrl)).rejects.toThrow('fetch failed');
  expect(receiver.received).toHaveLength(0);
  await clock.advance(2_000);
  await receiver.waitFor(1);
  await stopped;
  await expect(fetch(`${opsUrl}/livez`)).rejects.toThrow('fetch failed');
});

test('/metrics speaks the Prometheus format, with the names and labels of go-grpc-prometheus', async () => {
  const service = await startService(local);
  const call = createConnectCaller(service.apiUrl);
  const id = await createPayment(call);
  await call('GetPaymentStatus', { payment_intent_id: id });
  await call('GetPaymentStatus', { payment_intent_id: 'pay-unknown' });
  await call('CreatePaymentIntent', {});
  await call('ProcessPayment', { payment_intent_id: id });

  const { status, type, text } = await read(`${service.opsUrl}/metrics`);
  expect(status).toBe(200);
  expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
  for (const [name, kind] of [
    ['grpc_server_started_total', 'counter'],
    ['grpc_server_handled_total', 'counter'],
    ['grpc_server_handling_seconds', 'histogram'],
    ['payment_intents_created_total', 'counter'],
    ['payment_settlements_total', 'counter'],
    ['payment_stored', 'gauge'],
    ['webhook_attempts_total', 'counter'],
    ['webhook_deliveries_total', 'counter'],
    ['nodejs_eventloop_lag_seconds', 'gauge'],
    ['process_resident_memory_bytes', 'gauge'],
  ]) {
    expect(text).toContain(`# TYPE ${name} ${kind}\n`);
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
  }

  const handled = (method: string, code: string) =>
    service.metric(`grpc_server_handled_total{${labels(method)},grpc_code="${code}"}`);
  expect(await service.metric(`grpc_server_started_total{${labels('CreatePaymentIntent')}}`)).toBe(2);
  expect(await handled('CreatePaymentIntent', 'OK')).toBe(1);
  expect(await handled('CreatePaymentIntent', 'InvalidArgument')).toBe(1);
  expect(await handled('GetPaymentStatus', 'OK')).toBe(1);
  expect(await handled('GetPaymentStatus', 'NotFound')).toBe(1);
  expect(await handled('ProcessPayment', 'OK')).toBe(1);
  expect(text).toContain(`grpc_server_handling_seconds_bucket{le="0.005",${labels('ProcessPayment')}}`);
  expect(await service.metric(`grpc_server_handling_seconds_count{${labels('GetPaymentStatus')}}`)).toBe(2);
});
