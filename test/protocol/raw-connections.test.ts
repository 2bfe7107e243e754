import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  emptySettings,
  frameTypes,
  http2Frame,
  preface,
  receivedFrameTypes,
} from '../support/clients/http2-frames.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';
import { expectUnharmed } from './unharmed.ts';

vi.setConfig({ testTimeout: 5_000 });

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0' });
});

afterAll(async () => {
  await service.app.stop();
});

beforeEach(() => () => expectUnharmed(service));

const path = `${servicePath}/CreatePaymentIntent`;
const body = JSON.stringify(validCreate());
const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
const properCall = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;

describe('bytes that trickle', () => {
  test('an HTTP/1.1 POST byte by byte succeeds', async () => {
    const connection = await openRawConnection(service.apiPort);
    for (const byte of properCall) {
      connection.send(byte);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await connection.waitFor('PAYMENT_STATUS_PENDING');
    expect(connection.received().toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test('an HTTP/2 preface byte by byte is understood', async () => {
    const connection = await openRawConnection(service.apiPort);
    for (const byte of preface) {
      connection.send(byte);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    // A ping is answered with the same eight bytes.
    connection.send(
      Buffer.concat([emptySettings, http2Frame(frameTypes.ping, 0, 0, Buffer.from('ABCDEFGH'))]),
    );
    await connection.waitFor('ABCDEFGH');
    expect(receivedFrameTypes(connection.received())[0]).toBe(frameTypes.settings);
  });

  test('two requests in one packet get two answers', async () => {
    const connection = await openRawConnection(service.apiPort);
    connection.send(properCall + properCall.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await connection.closed();
    expect(connection.received().toString('latin1').split('PAYMENT_STATUS_PENDING')).toHaveLength(3);
  });
});

describe('what is not HTTP', () => {
  test.each([
    ['zeros', Buffer.alloc(64)],
    ['a TLS handshake', Buffer.from('16030100a5010000a10303', 'hex')],
    ['a line of text', Buffer.from('hello, payment sim\r\n\r\n')],
    ['almost the preface', Buffer.from('PRX * HTTP/2.0\r\n\r\n')],
    ['an HTTP version that does not exist', Buffer.from('POST / HTTP/9.9\r\n\r\n')],
    ['no host', Buffer.from(`POST ${path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`)],
    [
      'two lengths that disagree',
      Buffer.from(`${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
    ],
    ['a length that is no number', Buffer.from(`${head}Content-Length: many\r\n\r\n`)],
    ['a chunk size that is no number', Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`)],
    ['a header name with a space', Buffer.from(`${head}Bad Header: 1\r\n\r\n`)],
    ['a line that ends in LF alone', Buffer.from(`${head}X: 1\nY: 2\n\n`)],
  ])('%s is answered with 400 and the connection closed', async (_kind, bytes) => {
    const connection = await openRawConnection(service.apiPort);
    connection.send(bytes);
    await connection.closed();
    expect(connection.received().toString('latin1')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });
});

describe('headers', () => {
  test('a header block that never ends is answered with 431', async () => {
    const connection = await openRawConnection(service.apiPort);
    connection.send(head);
    for (let i = 0; i < 200; i++) {
      connection.send(`X-Header-${i}: ${'x'.repeat(500)}\r\n`);
    }
    await connection.closed();
    expect(connection.received().toString('latin1')).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('one header that is too large is answered with 431', async () => {
    const connection = await openRawConnection(service.apiPort);
    connection.send(`${head}X-Large: ${'x'.repeat(100_000)}\r\n\r\n`);
    await connection.closed();
    expect(connection.received().toString('latin1')).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('an address that is too long is answered with 431', async () => {
    const connection = await openRawConnection(service.apiPort);
    connection.send(`GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await connection.closed();
    expect(connection.received().toString('latin1')).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('too large headers over h2c end the stream or tell why', async () => {
    const response = sendRaw(service.apiUrl, '2', {
      path,
      headers: { 'content-type': 'application/json', 'x-large': 'x'.repeat(100_000) },
      body: Buffer.from(body),
    }).then(
      ({ status }) => `HTTP ${status}`,
      (error: Error) => error.message,
    );
    expect(await response).toMatch(
      /^HTTP 431$|NGHTTP2_(REFUSED_STREAM|ENHANCE_YOUR_CALM|INTERNAL_ERROR|PROTOCOL_ERROR)|closed|ended/i,
    );
  });
});

describe('callers who leave', () => {
  test.each([
    ['after connecting', ''],
    ['after one letter', 'P'],
    ['after three letters of the preface', 'PRI'],
    ['in the middle of the headers', head],
    ['before the body', `${head}Content-Length: ${body.length}\r\n\r\n`],
    ['in the middle of the body', `${head}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`],
    ['in the middle of a chunk', `${head}Transfer-Encoding: chunked\r\n\r\nff\r\n${body.slice(0, 10)}`],
    ['after the preface', preface],
  ])('%s do no harm', async (_when, bytes) => {
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const connection = await openRawConnection(service.apiPort);
      if (bytes !== '') {
        await new Promise((resolve) => {
          connection.socket.write(bytes, resolve);
        });
      }
      connection.socket[leave]();
      await connection.closed();
    }
  });

  test('a whole request is answered even when its sender will send no more', async () => {
    const connection = await openRawConnection(service.apiPort);
    connection.socket.end(properCall);
    await connection.closed();
    expect(connection.received().toString('latin1')).toContain('PAYMENT_STATUS_PENDING');
  });
});
