import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { servicePath } from '../support/clients/payment-client.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';
import { expectUnharmed } from './unharmed.ts';

/* Answers that come before the body of their request is complete, over HTTP/1.1. */

vi.setConfig({ testTimeout: 15_000 });

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0', CORS_ORIGINS: '*' });
});

afterAll(async () => {
  await service.app.stop();
});

beforeEach(() => () => expectUnharmed(service));

const create = `${servicePath}/CreatePaymentIntent`;
const json = 'Content-Type: application/json';

interface EarlyAnswer {
  readonly port: 'api' | 'ops';
  readonly line: string;
  readonly headers: readonly string[];
  /** The status it is answered with. */
  readonly status: number;
}

function post(path: string, status: number, ...headers: string[]): EarlyAnswer {
  return { port: 'api', line: `POST ${path}`, headers, status };
}

const earlyAnswers: Readonly<Record<string, EarlyAnswer>> = {
  'too large for the fast path': post(create, 429, json),
  'too large with a charset': post(create, 429, `${json}; charset=utf-8`),
  'too large with an origin': post(create, 429, json, 'Origin: http://a.test'),
  'too large and compressed': post(create, 429, json, 'Content-Encoding: gzip'),
  'too large for gRPC-Web': post(create, 200, 'Content-Type: application/grpc-web+proto'),
  'too large for a stream': post('/grpc.health.v1.Health/Watch', 200, 'Content-Type: application/grpc-web'),
  'a content type that is refused': post(create, 415, 'Content-Type: text/plain'),
  'an HTTP method that is refused': { port: 'api', line: `PUT ${create}`, headers: [json], status: 405 },
  'a Connect GET with a body': {
    port: 'api',
    line: `GET ${servicePath}/GetPaymentStatus?connect=v1&encoding=json&message=%7B%7D`,
    headers: [json],
    status: 400,
  },
  'an unknown method': post(`${servicePath}/Unknown`, 501, json),
  'an unknown path without a content type': post('/unknown', 501),
  'a preflight with a body': {
    port: 'api',
    line: `OPTIONS ${create}`,
    headers: ['Origin: http://a.test', 'Access-Control-Request-Method: POST'],
    status: 204,
  },
  'an unknown path of the ops port': { port: 'ops', line: 'POST /unknown', headers: [json], status: 404 },
  'a probe with a body': { port: 'ops', line: 'GET /livez', headers: [json], status: 200 },
};

function portOf({ port }: EarlyAnswer): number {
  return port === 'api' ? service.apiPort : service.opsPort;
}

function headOf({ line, headers }: EarlyAnswer, ...more: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: localhost', ...headers, ...more, '\r\n'].join('\r\n');
}

const body = JSON.stringify(validCreate());

/** A legal request, and text of its answer. */
function nextCall({ port }: EarlyAnswer): readonly [request: string, answer: string] {
  return port === 'api'
    ? [
        `POST ${create} HTTP/1.1\r\nHost: localhost\r\n${json}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        'PAYMENT_STATUS_PENDING',
      ]
    : ['GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n', '"ready"'];
}

/** Bytes which no protocol takes for a whole message. */
const junk = (bytes: number) => Buffer.alloc(bytes, 0xff);

describe.each(Object.entries(earlyAnswers))('%s', (_what, early) => {
  const statusLine = `HTTP/1.1 ${early.status} `;

  test.each([100_000, 500_000])('of %i bytes: the next call on the connection is answered', async (bytes) => {
    const connection = await openRawConnection(portOf(early));
    connection.send(Buffer.concat([Buffer.from(headOf(early, `Content-Length: ${bytes}`)), junk(bytes)]));
    await connection.waitFor(statusLine);
    const [request, answer] = nextCall(early);
    connection.send(request);
    await connection.waitFor(answer);
  });

  test('of 4 MB: the answer can be read by who sends all before', async () => {
    const connection = await openRawConnection(portOf(early));
    connection.socket.pause();
    const bytes = 4_000_000;
    const head = Buffer.from(headOf(early, 'Connection: close', `Content-Length: ${bytes}`));
    await new Promise((resolve) => {
      connection.socket.write(Buffer.concat([head, junk(bytes)]), resolve);
    });
    const errors: unknown[] = [];
    connection.socket.on('error', (error) => errors.push(error));
    connection.socket.resume();
    await connection.waitFor(statusLine);
    connection.socket.end();
    await connection.closed();
    expect(errors).toEqual([]);
  });

  test('without end: the answer can be read, and the connection is closed', async () => {
    const connection = await openRawConnection(portOf(early));
    connection.send(headOf(early, 'Transfer-Encoding: chunked'));
    const chunk = Buffer.concat([Buffer.from('4000\r\n'), junk(0x4000), Buffer.from('\r\n')]);
    const send = () => {
      if (connection.socket.writable) {
        connection.socket.write(chunk, send);
      }
    };
    send();
    await connection.waitFor(statusLine);
    await connection.closed();
  });
});

describe.each(['api', 'ops'] as const)('what is not HTTP/1.1, on the %s port', (port) => {
  test.each([
    [
      'headers that are too large',
      `GET / HTTP/1.1\r\nHost: a\r\nX-Large: ${'x'.repeat(2_000_000)}\r\n\r\n`,
      431,
    ],
    [
      'a chunk size that is no number',
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz${'x'.repeat(2_000_000)}`,
      400,
    ],
    ['no request at all', 'x'.repeat(2_000_000), 400],
  ])('%s: the answer can be read by who sends all before', async (_what, text, status) => {
    const connection = await openRawConnection(port === 'api' ? service.apiPort : service.opsPort);
    const errors: unknown[] = [];
    connection.socket.pause().on('error', (error) => errors.push(error));
    await new Promise((resolve) => {
      connection.socket.write(text, resolve);
    });
    connection.socket.resume();
    await connection.waitFor(`HTTP/1.1 ${status} `);
    connection.socket.end();
    await connection.closed();
    expect(errors).toEqual([]);
  });
});
