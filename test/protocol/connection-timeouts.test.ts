import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, constants } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { ConnectionLimits } from '../../src/server/port/connection-limits.ts';
import { createDualProtocolServer } from '../../src/server/port/dual-protocol.ts';
import { openRawConnection, type RawConnection } from '../support/clients/raw-connection.ts';
import { sendRaw } from '../support/clients/raw-http.ts';

/** All so short that a test can wait for each of them. */
const limits: ConnectionLimits = {
  sniffTimeoutMs: 100,
  headersTimeoutMs: 150,
  requestTimeoutMs: 300,
  idleTimeoutMs: 400,
  maxConcurrentStreams: 2,
  maxConnections: 100,
  maxHeaderBytes: 16_384,
};

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const emptySettings = Buffer.from('000000040000000000', 'hex');
/** ":method: POST", ":scheme: http", ":path: /" on stream 1, without the end of the stream. */
const openStream = Buffer.from('000003010400000001838684', 'hex');
/** The same for ":path: /streaming". */
const openStreamingCall = Buffer.concat([
  Buffer.from('00000e0104000000018386040a', 'hex'),
  Buffer.from('/streaming'),
]);

vi.setConfig({ testTimeout: 5_000 });

let port: number;
let connectionsLeft: () => Promise<number>;
let closeServer: () => void;

beforeAll(async () => {
  // Answers when the whole request is there, as the service does.
  const server = createDualProtocolServer(
    (request, response) => {
      request.resume();
      request.on('end', () => response.end('answered'));
    },
    limits,
    undefined,
    new Set(['/streaming']),
  );
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  ({ port } = server.address() as AddressInfo);
  connectionsLeft = () =>
    new Promise((resolve, reject) => {
      server.getConnections((error, count) => {
        if (error) {
          reject(error);
        } else {
          resolve(count);
        }
      });
    });
  closeServer = () => {
    server.destroyConnections();
    server.close();
  };
});

afterAll(() => closeServer());

/** Sends the byte again and again until the connection is closed. */
async function trickle(connection: RawConnection, bytes: string | Uint8Array): Promise<void> {
  const timer = setInterval(() => connection.send(bytes), 20);
  await connection.closed();
  clearInterval(timer);
}

test.concurrent.each([
  ['says nothing', ''],
  ['says P', 'P'],
  ['says PR', 'PR'],
  ['says PRI', 'PRI'],
  ['says half the preface', preface.slice(0, 12)],
  ['says the preface and nothing more', preface],
  [
    'says the preface and its settings and nothing more',
    Buffer.concat([Buffer.from(preface), emptySettings]),
  ],
  ['opens a stream and sends no body', Buffer.concat([Buffer.from(preface), emptySettings, openStream])],
  [
    'opens a streaming call and does not answer when asked whether it is there',
    Buffer.concat([Buffer.from(preface), emptySettings, openStreamingCall]),
  ],
  ['says half a request line', 'POST /payment'],
  ['sends headers without end', 'POST / HTTP/1.1\r\nHost: localhost\r\n'],
  ['sends no body', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n'],
  ['sends half a body', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc'],
  ['keeps its connection without using it', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
])('who %s is closed', async (_what, bytes) => {
  const connection = await openRawConnection(port);
  if (bytes.length > 0) {
    connection.send(bytes);
  }
  await connection.closed();
});

test.concurrent.each([
  ['letters of the method', '', 'P'],
  ['a header', 'POST / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', 'x'],
  ['a body', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n', 'x'],
  ['chunks', 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\nx\r\n'],
])('who sends %s too slowly is closed', async (_what, start, more) => {
  const connection = await openRawConnection(port);
  if (start !== '') {
    connection.send(start);
  }
  await trickle(connection, more);
});

test.concurrent('an h2c body that comes too slowly ends its stream, not the connection', async () => {
  // A body may be as late as the idle time of the others is short, and that ends the connection.
  const patient = createDualProtocolServer((request) => void request.resume(), {
    ...limits,
    idleTimeoutMs: 60_000,
  });
  await new Promise<void>((resolve) => {
    patient.listen(0, '127.0.0.1', resolve);
  });
  const session = connect(`http://127.0.0.1:${(patient.address() as AddressInfo).port}`);
  const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false });
  const timer = setInterval(() => void stream.write('x'), 20);
  await new Promise<void>((resolve) => {
    stream.on('error', () => undefined);
    stream.on('close', resolve);
  });
  clearInterval(timer);
  expect(stream.rstCode).not.toBe(0);
  expect(session.closed || session.destroyed).toBe(false);
  session.destroy();
  patient.close();
});

test.each([
  ['one letter', 'P'],
  ['the preface', preface],
  ['its settings', Buffer.concat([Buffer.from(preface), emptySettings])],
  ['a stream that it leaves open', Buffer.concat([Buffer.from(preface), emptySettings, openStream])],
])('who leaves after %s leaves nothing behind', async (_what, bytes) => {
  const patient = createDualProtocolServer((request) => void request.resume(), {
    ...limits,
    sniffTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
  });
  const gone = new Promise<void>((resolve) => {
    patient.once('connection', (socket) => void socket.once('close', () => resolve()));
  });
  await new Promise<void>((resolve) => {
    patient.listen(0, '127.0.0.1', resolve);
  });
  const connection = await openRawConnection((patient.address() as AddressInfo).port);
  await new Promise((resolve) => {
    connection.socket.write(bytes, resolve);
  });
  onTestFinished(() => {
    patient.destroyConnections();
    connection.socket.destroy();
    patient.close();
  });
  connection.socket.end();
  await gone;
});

test('afterwards the server answers, and all those connections are gone', async () => {
  for (const httpVersion of ['1.1', '2'] as const) {
    const response = await sendRaw(`http://127.0.0.1:${port}`, httpVersion, { path: '/', method: 'GET' });
    expect(response.body.toString('utf8')).toBe('answered');
  }
  await expect.poll(connectionsLeft).toBe(0);
});

test('more calls than there may be streams at once take their turn', async () => {
  const session = connect(`http://127.0.0.1:${port}`);
  await once(session, 'remoteSettings');
  const bodies = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: true });
      stream.setEncoding('utf8');
      let body = '';
      for await (const chunk of stream) {
        body += String(chunk);
      }
      return body;
    }),
  );
  expect(bodies).toEqual(Array.from({ length: 20 }, () => 'answered'));
  session.destroy();
});

test('an HTTP/2 server that is no part of it is not mistaken: the listening server is an http.Server', () => {
  const server = createDualProtocolServer(() => undefined, limits);
  expect(Object.getPrototypeOf(server)).toBe(Object.getPrototypeOf(createServer()));
});

test('a method that takes a stream is not cut off between two messages, as another is', async () => {
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  const streaming = session.request({ ':method': 'POST', ':path': '/streaming' });
  const unary = session.request({ ':method': 'POST', ':path': '/' });
  streaming.write('first');
  unary.write('first');
  // Its time ran out, and that of the other stream, which began before it, would have as well.
  await once(unary, 'close');
  expect(unary.rstCode).toBe(constants.NGHTTP2_CANCEL);
  streaming.end('last');
  const [answer] = (await once(streaming, 'data')) as [Buffer];
  expect(answer.toString()).toBe('answered');
});

test('a connection with a streaming call outlasts silence: it is asked whether its peer is there', async () => {
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  const streaming = session.request({ ':method': 'POST', ':path': '/streaming' });
  streaming.write('first');
  // Each PING comes after another time of silence that would have ended the connection.
  await once(session, 'ping');
  await once(session, 'ping');
  expect(session.closed || session.destroyed).toBe(false);
  streaming.end('last');
  const [answer] = (await once(streaming, 'data')) as [Buffer];
  expect(answer.toString()).toBe('answered');
  // Without the call it is idle like any other.
  await once(session, 'close');
});
