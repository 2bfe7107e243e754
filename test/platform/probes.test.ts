import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sendRaw } from '../support/clients/raw-http.ts';
import { launchService, type RunningService, startService } from '../support/start-service.ts';

/* The platform probes the port of calls, over HTTP/1.1. */

let service: RunningService;

beforeAll(async () => {
  // With the console the port has pages too.
  service = await launchService({ SHUTDOWN_GRACE_MS: '0', CONSOLE: 'off' });
});

afterAll(async () => {
  await service.app.stop();
  expect(service.logs().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

const name = 'payment-sim-api';

test.each([
  ['/healthz', { status: 'alive', service: name }],
  ['/livez', { status: 'alive', service: name }],
  ['/readyz', { status: 'ready', service: name }],
  ['/health', { status: 'healthy', service: name }],
])('%s is answered alike on both ports', async (path, body) => {
  for (const url of [service.apiUrl, service.opsUrl]) {
    const got = await sendRaw(url, '1.1', { method: 'GET', path });
    expect(got.status).toBe(200);
    expect(got.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(got.body.toString())).toEqual(body);
    const head = await sendRaw(url, '1.1', { method: 'HEAD', path });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(head.headers['content-length']).toBe(got.headers['content-length']);
  }
});

test.each([
  ['GET', '/metrics'],
  ['GET', '/healthz/'],
  ['GET', '/'],
  ['POST', '/healthz'],
  ['OPTIONS', '/healthz'],
  ['DELETE', '/readyz'],
])('%s %s is none of them', async (method, path) => {
  expect((await sendRaw(service.apiUrl, '1.1', { method, path })).status).toBe(501);
});

test('over HTTP/2 there are calls alone, and gRPC’s own health', async () => {
  expect((await sendRaw(service.apiUrl, '2', { method: 'GET', path: '/healthz' })).status).toBe(501);
});

test('a proxy’s whole address and a query are read as paths', async () => {
  for (const path of ['/healthz?verbose', `${service.apiUrl}/healthz`]) {
    const probe = request({ host: '127.0.0.1', port: service.apiPort, path }).end();
    const [response] = (await once(probe, 'response')) as [IncomingMessage];
    expect(response.resume().statusCode).toBe(200);
  }
});

test('what keeps the service from taking calls is told there too', async () => {
  const waiting = await startService({
    SHUTDOWN_GRACE_MS: '0',
    EVENTBRIDGE: 'on',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key',
  });
  const ready = await fetch(`${waiting.apiUrl}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ status: 'not ready', reason: expect.any(String) as string });
  expect((await fetch(`${waiting.apiUrl}/healthz`)).status).toBe(200);
});

test('many probes on one connection do no harm to calls on it', async () => {
  for (let i = 0; i < 20; i += 1) {
    const [probe, call] = await Promise.all([
      fetch(`${service.apiUrl}/healthz`),
      fetch(`${service.apiUrl}/payment.v1.PaymentService/GetPaymentStatus`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"payment_intent_id": "pay-1"}',
      }),
    ]);
    expect([probe.status, call.status]).toEqual([200, 404]);
    await Promise.all([probe.text(), call.text()]);
  }
});
