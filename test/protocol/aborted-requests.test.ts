import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { servicePath } from '../support/clients/payment-client.ts';
import { startServiceProcess } from '../system/service-process.ts';
import { validCreate } from './case-context.ts';

const body = JSON.stringify(validCreate());

/** A request of HTTP/1.1 whose body is all there, or breaks off in the middle. */
function post(path: string, headers: string, isCut: boolean): string {
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n${headers}\r\n\r\n`;
  return head + (isCut ? body.slice(0, 10) : body);
}

const create = `${servicePath}/CreatePaymentIntent`;
const get =
  `GET ${servicePath}/GetPaymentStatus?connect=v1&encoding=json&message=%7B%7D HTTP/1.1\r\n` +
  'Host: localhost\r\n\r\n';

/** Requests by the part of the server that answers them; each may be cut. */
const kinds: Readonly<Record<string, (isCut: boolean) => string>> = {
  'the fast path': (isCut) => post(create, 'Content-Type: application/json', isCut),
  'a charset': (isCut) => post(create, 'Content-Type: application/json; charset=utf-8', isCut),
  'an origin': (isCut) => post(create, 'Content-Type: application/json\r\nOrigin: http://a.test', isCut),
  'Connect GET': () => get,
  'a content type that is refused': (isCut) => post(create, 'Content-Type: text/plain', isCut),
  'a stream': (isCut) => post('/grpc.health.v1.Health/Watch', 'Content-Type: application/grpc-web', isCut),
  'an unknown method': (isCut) => post('/unknown', 'Content-Type: application/json', isCut),
};

const leaving = ['end', 'destroy', 'resetAndDestroy'] as const;

/** Sends and leaves before an answer can have come. */
async function sendAndLeave(port: number, bytes: string, how: (typeof leaving)[number]): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined); // A reset is one way for the server to close.
  await once(socket, 'connect');
  const closed = new Promise((resolve) => {
    socket.resume().once('close', resolve);
  });
  await new Promise((resolve) => {
    socket.write(bytes, resolve);
  });
  socket[how]();
  await closed;
}

test('the process outlives pipelined requests whose connection is closed', { timeout: 60_000 }, async () => {
  const service = startServiceProcess();
  const { apiPort, apiUrl, opsUrl } = await service.ready;
  for (const first of Object.values(kinds)) {
    for (const second of Object.values(kinds)) {
      for (const isCut of [false, true]) {
        await Promise.all(leaving.map((how) => sendAndLeave(apiPort, first(false) + second(isCut), how)));
      }
    }
  }
  const opsPort = Number(new URL(opsUrl).port);
  const probe = 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n';
  for (const how of leaving) {
    await sendAndLeave(opsPort, probe + post('/livez', 'Content-Type: application/json', true), how);
  }

  expect((await fetch(`${apiUrl}${create}`, json())).status).toBe(200);
  expect(service.stderr()).toBe('');
});

function json(): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body };
}
