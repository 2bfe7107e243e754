import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment, intentMessage } from './connect-json.ts';
import { startServiceProcess } from './service-process.ts';

const unreachable = 'http://127.0.0.1:9/'; // discard: nobody listens there

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

describe('a start that cannot be', () => {
  test('with wrong variables ends with one message that lists every mistake', async () => {
    const service = startServiceProcess({
      GRPC_PORT: 'http',
      LOG_LEVEL: 'loud',
      RANDOM_FAILURE_RATE: '2',
      ENVIRONMENT: 'production',
      WEBHOOK_SECRET: 'hunter2,',
    });
    expect(await service.ended).toEqual({ code: 1, signal: null });
    expect(service.stderr().match(/payment-sim cannot run/g)).toHaveLength(1);
    for (const name of ['GRPC_PORT', 'LOG_LEVEL', 'RANDOM_FAILURE_RATE', 'WEBHOOK_SECRET']) {
      expect(service.stderr()).toMatch(new RegExp(`^ +${name} must`, 'm'));
    }
    expect(service.stderr()).not.toContain('hunter2');
    expect(service.stderr()).not.toMatch(/^ +at /m); // no stack: the mistake is the reader's, not ours
    expect(service.logs()).toEqual([]);
  });

  test('with the default secret in production ends', async () => {
    const service = startServiceProcess({ ENVIRONMENT: 'production' });
    expect((await service.ended).code).toBe(1);
    expect(service.stderr()).toContain('WEBHOOK_SECRET must be set to a secret of your own in production');
  });

  test.each(['GRPC_PORT', 'HEALTH_PORT'])('with a taken %s ends and names the port', async (variable) => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const service = startServiceProcess({ [variable]: String(port) });
    expect((await service.ended).code).toBe(1);
    expect(service.stderr()).toContain('address already in use');
    expect(service.stderr()).toContain(String(port));
    expect(service.stderr()).toContain(variable);
    expect(service.stderr()).not.toMatch(/^ +at /m);
  });
});

describe('SIGTERM', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s with nothing to do ends with 0', async (signal) => {
    const service = startServiceProcess();
    await service.ready;
    service.signal(signal);
    expect(await service.ended).toEqual({ code: 0, signal: null });
    expect(service.stderr()).toBe('');
    expect(service.logs().map((line) => line['msg'])).toEqual([
      'Payment Sim is ready',
      'Stopping',
      'Stopped',
    ]);
  });

  test('with payments pending: not ready, no new calls, all settle, webhooks go out, each failure has a line', async () => {
    const receiver = await startWebhookReceiver();
    const service = startServiceProcess({ SHUTDOWN_GRACE_MS: '3000', WEBHOOK_RETRY_BASE_MS: '60000' });
    const { apiUrl, opsUrl } = await service.ready;
    const call = createConnectCaller(apiUrl, 1);
    const soon = { simulation: { delay_ms: 1_300 }, webhook_url: receiver.url };
    const tomorrow = { simulation: { delay_ms: 86_400_000 }, webhook_url: receiver.url };
    const ids = [await createPayment(call, soon), await createPayment(call, tomorrow)];
    const lost = await createPayment(call, { ...tomorrow, webhook_url: unreachable });
    const silent = await createPayment(call, { simulation: { delay_ms: 0 }, webhook_url: unreachable });
    await service.line('Webhook failed, to be tried again');
    service.signal('SIGTERM');
    await service.line('Stopping');

    expect(await statusOf(`${opsUrl}/readyz`)).toBe(503);
    expect(await statusOf(`${opsUrl}/health`)).toBe(503);
    expect(await statusOf(`${opsUrl}/livez`)).toBe(200);
    await expect(fetch(apiUrl)).rejects.toThrow('fetch failed');
    await expect(call('GetPaymentStatus', { payment_intent_id: lost })).rejects.toThrow();

    expect(await service.ended).toEqual({ code: 0, signal: null });
    expect(receiver.received.map((webhook) => webhook.body['payment_id']).toSorted(byText)).toEqual(
      ids.toSorted(byText),
    );
    const settled = service.logs('Payment processed successfully').map((line) => line['payment_id']);
    expect(new Set(settled)).toEqual(new Set([...ids, lost, silent]));
    expect(settled).toHaveLength(4);
    const givenUp = service.logs('Webhook given up');
    expect(new Set(givenUp.map((line) => line['payment_id']))).toEqual(new Set([lost, silent]));
    expect(givenUp).toHaveLength(2);
    expect(givenUp.every((line) => line['reason'] === 'shutdown')).toBe(true);
    expect(service.logs().at(-1)?.['msg']).toBe('Stopped');
  });

  test('in development does not wait for the retries of webhooks', async () => {
    const receiver = await startWebhookReceiver((response) => void response.writeHead(500).end());
    const service = startServiceProcess({ SHUTDOWN_GRACE_MS: '3600000', WEBHOOK_RETRY_BASE_MS: '300000' });
    const { apiUrl } = await service.ready;
    const call = createConnectCaller(apiUrl, 1);
    await createPayment(call, { simulation: { delay_ms: 0 }, webhook_url: receiver.url });
    await service.line('Webhook failed, to be tried again');
    await createPayment(call, { simulation: { delay_ms: 50 }, webhook_url: receiver.url });
    service.signal('SIGTERM');
    expect((await service.ended).code).toBe(0);
    expect(receiver.received).toHaveLength(2);
    expect(service.logs('Webhook given up').map((line) => line['reason'])).toEqual(['shutdown', 'shutdown']);
  });

  test('no line about an undeliverable webhook is lost, though nobody reads the log meanwhile', async () => {
    const count = 2_000;
    const service = startServiceProcess({ SHUTDOWN_GRACE_MS: '1000', WEBHOOK_RETRY_BASE_MS: '60000' });
    const { apiUrl, opsUrl } = await service.ready;
    const call = createConnectCaller(apiUrl);
    const change = { simulation: { delay_ms: 86_400_000 }, webhook_url: unreachable };
    const ids = await Promise.all(Array.from({ length: count }, () => createPayment(call, change)));
    service.pauseLog();
    service.signal('SIGTERM');
    // The ops server closes last; from here on there is nothing but the log to write.
    await expect
      .poll(() => statusOf(`${opsUrl}/livez`).catch(() => 'closed'), { timeout: 20_000 })
      .toBe('closed');
    service.resumeLog();
    expect(await service.ended).toEqual({ code: 0, signal: null });
    const givenUp = service.logs('Webhook given up').map((line) => line['payment_id']);
    expect(givenUp).toHaveLength(count);
    expect(new Set(givenUp)).toEqual(new Set(ids));
    expect(service.logs().at(-1)?.['msg']).toBe('Stopped');
  });

  test('a second signal ends the process at once', async () => {
    const service = startServiceProcess({ SHUTDOWN_GRACE_MS: '3600000' });
    const { apiUrl } = await service.ready;
    const call = createConnectCaller(apiUrl);
    await createPayment(call, { simulation: { delay_ms: 600_000 } });
    service.signal('SIGTERM');
    await service.line('Stopping');
    // Signals close to the first may count as the same one (Ctrl-C reaches npm and the service).
    const again = setInterval(() => service.signal('SIGTERM'), 200);
    onTestFinished(() => clearInterval(again));
    expect((await service.ended).code).toBe(130);
    expect(service.logs('Stopped')).toEqual([]);
  });

  test('a call in flight over HTTP/1.1 gets its answer', async () => {
    const service = startServiceProcess({ SHUTDOWN_GRACE_MS: '1000' });
    const { apiPort } = await service.ready;
    const finish = await startCall(apiPort, intentMessage());
    service.signal('SIGTERM');
    await service.line('Stopping');
    expect(await finish()).toContain('PAYMENT_STATUS_PENDING');
    expect((await service.ended).code).toBe(0);
    expect(service.logs('Payment processed successfully')).toHaveLength(1);
  });

  test('a call in flight over HTTP/1.1 leaves the grace to the webhooks', async () => {
    const receiver = await startWebhookReceiver((response) => void setTimeout(() => response.end(), 300));
    const service = startServiceProcess({ SHUTDOWN_GRACE_MS: '2000' });
    const { apiPort } = await service.ready;
    const finish = await startCall(apiPort, intentMessage({ webhook_url: receiver.url }));
    service.signal('SIGTERM');
    await service.line('Stopping');
    await finish(); // and the client keeps the connection, as clients do
    expect((await service.ended).code).toBe(0);
    expect(service.logs('Webhook given up')).toEqual([]);
    expect(receiver.received).toHaveLength(1);
  });

  test('a call in flight over HTTP/2 gets its answer, and its client is told to go away', async () => {
    const service = startServiceProcess({ DEFAULT_DELAY_MS: '50' });
    const { apiUrl, apiPort } = await service.ready;
    const session = connectHttp2(apiUrl);
    onTestFinished(() => session.destroy());
    const goaway = new Promise<number>((resolve) => {
      session.on('goaway', resolve);
    });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/payment.v1.PaymentService/CreatePaymentIntent',
      'content-type': 'application/json',
    });
    const answered = new Promise<number>((resolve, reject) => {
      stream.on('response', (headers) => resolve(Number(headers[':status'])));
      stream.on('error', reject);
    });
    const body = JSON.stringify(intentMessage());
    stream.write(body.slice(0, 10));
    await new Promise((resolve) => session.ping(resolve));
    await roundTrip(apiPort);
    service.signal('SIGTERM');
    await service.line('Stopping');
    expect(await goaway).toBe(0);
    stream.end(body.slice(10));
    expect(await answered).toBe(200);
    let answer = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    await new Promise((resolve) => stream.on('close', resolve));
    expect(answer).toContain('PAYMENT_STATUS_PENDING');
    expect((await service.ended).code).toBe(0);
  });

  test('a call that never ends is broken off when the grace is over, and the process still ends with 0', async () => {
    const service = startServiceProcess({ SHUTDOWN_GRACE_MS: '300' });
    const { apiPort } = await service.ready;
    const socket = await openSocket(apiPort);
    socket.write(
      'POST /payment.v1.PaymentService/CreatePaymentIntent HTTP/1.1\r\nhost: localhost\r\n' +
        'content-type: application/json\r\ncontent-length: 1000\r\n\r\n{',
    );
    await roundTrip(apiPort);
    service.signal('SIGTERM');
    expect(await service.ended).toEqual({ code: 0, signal: null });
  });

  test('idle connections of any kind do not hold the end up', async () => {
    const service = startServiceProcess();
    const { apiUrl, apiPort } = await service.ready;
    const silent = await openSocket(apiPort);
    const session = connectHttp2(apiUrl);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const call = createConnectCaller(apiUrl, 1);
    await call('GetPaymentStatus', { payment_intent_id: 'pay-unknown' });
    service.signal('SIGTERM');
    expect((await service.ended).code).toBe(0);
    silent.destroy();
    session.destroy();
  });
});

function byText(a: unknown, b: unknown): number {
  return String(a).localeCompare(String(b));
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** A whole call on a connection of its own: what was sent before it has arrived as well. */
async function roundTrip(port: number): Promise<void> {
  await statusOf(`http://127.0.0.1:${port}/`);
}

/** Starts a CreatePaymentIntent call; what it returns ends the call and gives the answer. */
async function startCall(port: number, message: Record<string, unknown>): Promise<() => Promise<string>> {
  const body = JSON.stringify(message);
  const socket = await openSocket(port);
  onTestFinished(() => void socket.destroy());
  socket.write(
    'POST /payment.v1.PaymentService/CreatePaymentIntent HTTP/1.1\r\nhost: localhost\r\n' +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
  );
  await roundTrip(port);
  return async () => {
    const answered = new Promise<string>((resolve) => {
      socket.once('data', (chunk) => resolve(String(chunk)));
    });
    socket.write(body.slice(10));
    return await answered;
  };
}
