import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Outcome } from '../support/clients/payment-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { createGrpcJsClient } from '../support/clients/grpc-js-client.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { launchService } from '../support/start-service.ts';
import { createPayment, pay, validCreate } from './case-context.ts';

const path = `${servicePath}/CreatePaymentIntent`;
const body = Buffer.from(JSON.stringify(validCreate()));
/** A grace that no test outlives: where stopping waits for it, the test runs out of time. */
const env = { SHUTDOWN_GRACE_MS: '60000', DEFAULT_DELAY_MS: '1' };

vi.setConfig({ testTimeout: 5_000 });

async function openSession(apiUrl: string): Promise<ClientHttp2Session> {
  const session = connect(apiUrl);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}

/** Opens a call and sends the first half of its body: in flight until the rest comes. */
async function openCall(session: ClientHttp2Session): Promise<ClientHttp2Stream> {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    'content-type': 'application/json',
  });
  // A refusal may come as an event while nobody awaits the stream.
  stream.on('error', () => undefined);
  await new Promise((resolve) => {
    stream.write(body.subarray(0, 20), resolve);
  });
  // The answer to a ping: what was sent before it has arrived.
  await new Promise<void>((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
  return stream;
}

async function finishCall(stream: ClientHttp2Stream): Promise<unknown> {
  stream.end(body.subarray(20));
  let answer = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    answer += String(chunk);
  }
  return JSON.parse(answer);
}

async function tryCall(session: ClientHttp2Session): Promise<'answered' | 'refused'> {
  try {
    return (await finishCall(await openCall(session))) === undefined ? 'refused' : 'answered';
  } catch {
    return 'refused';
  }
}

test('on stop a session gets GOAWAY, its call in flight finishes, and it takes no new one', async () => {
  const service = await launchService(env);
  const session = await openSession(service.apiUrl);
  const stream = await openCall(session);
  const goaway = once(session, 'goaway');

  const stopped = service.app.stop();
  const [code] = (await goaway) as [number];
  expect(code).toBe(constants.NGHTTP2_NO_ERROR);
  const late = tryCall(session);

  expect(await finishCall(stream)).toEqual({ payment_intent_id: pay, status: 'PAYMENT_STATUS_PENDING' });
  expect(await late).toBe('refused');
  await stopped;
  expect(session.closed).toBe(true);
  // The payment of that call was not lost either.
  expect(service.logs('Payment processed successfully')).toHaveLength(1);
});

test('on stop new connections are refused', async () => {
  const service = await launchService(env);
  const session = await openSession(service.apiUrl);
  const stream = await openCall(session);
  const goaway = once(session, 'goaway');
  const stopped = service.app.stop();
  await goaway;

  const late = connect(service.apiUrl);
  const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');

  await finishCall(stream);
  await stopped;
});

test('on stop a session without a call ends at once', async () => {
  const service = await launchService(env);
  const session = await openSession(service.apiUrl);
  const closed = once(session, 'close');
  await service.app.stop();
  await closed;
});

test('on stop an HTTP/1.1 connection that is kept alive is closed', async () => {
  const service = await launchService(env);
  const connection = await openRawConnection(service.apiPort);
  connection.send(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  connection.send(body);
  await connection.waitFor('PAYMENT_STATUS_PENDING');
  await service.app.stop();
  await connection.closed();
});

test('on stop an HTTP/1.1 call in flight finishes, and then its connection is closed', async () => {
  const service = await launchService(env);
  const connection = await openRawConnection(service.apiPort);
  connection.send(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
  );
  // The server has the headers: the call is in flight.
  await connection.waitFor('100 Continue');
  const stopped = service.app.stop();
  connection.send(body);
  await connection.waitFor('PAYMENT_STATUS_PENDING');
  await stopped;
  await connection.closed();
});

test('on stop a connection that has not said its protocol is closed', async () => {
  const service = await launchService(env);
  const silent = await openRawConnection(service.apiPort);
  silent.send('PR');
  // Connections are accepted in order, so once this one is answered the silent one is known.
  await createPaymentOverGrpc(service.apiUrl);
  await service.app.stop();
  await silent.closed();
});

test('a call that does not finish within the grace is broken off', async () => {
  const service = await launchService({ ...env, SHUTDOWN_GRACE_MS: '50' });
  const session = await openSession(service.apiUrl);
  const stream = await openCall(session);
  stream.on('error', () => undefined);
  const broken = new Promise((resolve) => {
    stream.on('close', resolve);
  });
  await service.app.stop();
  await broken;
});

test('a gRPC client that calls after the stop is told UNAVAILABLE', async () => {
  const service = await launchService(env);
  const client = createGrpcJsClient({ gzip: false })(service.apiUrl);
  onTestFinished(() => client.close());
  await createPayment(client);
  await service.app.stop();
  const outcome: Outcome = await client.call('CreatePaymentIntent', validCreate());
  expect(outcome).toMatchObject({ ok: false, code: 'UNAVAILABLE' });
});

async function createPaymentOverGrpc(apiUrl: string): Promise<void> {
  const client = createGrpcJsClient({ gzip: false })(apiUrl);
  await createPayment(client);
  client.close();
}
