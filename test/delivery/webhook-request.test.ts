import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AttemptResult } from '../../src/delivery/retry-policy.ts';
import { sendWebhookRequest } from '../../src/delivery/webhook/request.ts';
import { startScriptedReceiver, unusedOrigin } from './scripted-receiver.ts';
import { openConnector } from './start-webhook-sender.ts';

function connect(origin: string): Client {
  const client = new Client(origin, { connect: openConnector() });
  onTestFinished(() => client.destroy());
  return client;
}

/** When all answers come in. */
const nowMs = Date.UTC(2026, 10, 22, 12);

async function post(origin: string, timeoutMs = 10_000): Promise<AttemptResult> {
  const request = {
    path: '/hooks?a=b',
    headers: { 'content-type': 'application/json', 'x-mark': '1' },
    body: '{"a":"é"}',
    timeoutMs,
  };
  return await sendWebhookRequest(connect(origin), request, { now: () => nowMs });
}

/** A receiver below HTTP, that says whatever it is given. */
async function startRawReceiver(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('it posts path, query, headers and body as they are', async () => {
  const receiver = await startScriptedReceiver((response) => response.end());
  expect(await post(receiver.origin)).toEqual({ outcome: 'delivered', statusCode: 200 });
  const [got] = receiver.requests;
  expect(got?.request.method).toBe('POST');
  expect(got?.request.url).toBe('/hooks?a=b');
  expect(got?.request.headers).toMatchObject({
    'content-type': 'application/json',
    'content-length': '10',
    'x-mark': '1',
  });
  expect(got?.body).toBe('{"a":"é"}');
});

test.each([200, 201, 202, 204, 299])('%i is delivered', async (statusCode) => {
  const receiver = await startScriptedReceiver((response) => response.writeHead(statusCode).end());
  expect(await post(receiver.origin)).toEqual({ outcome: 'delivered', statusCode });
});

test.each([300, 304, 400, 401, 404, 409, 418, 429, 500, 502, 503, 599])(
  '%i has failed and may fare better later',
  async (statusCode) => {
    const receiver = await startScriptedReceiver((response) => response.writeHead(statusCode).end());
    expect(await post(receiver.origin)).toMatchObject({
      outcome: 'failed',
      statusCode,
      failure: { reason: `http_${statusCode}`, retryable: true },
    });
  },
);

test('410 has failed for good', async () => {
  const receiver = await startScriptedReceiver((response) => response.writeHead(410).end('moved out'));
  expect(await post(receiver.origin)).toEqual({
    outcome: 'failed',
    statusCode: 410,
    answer: 'moved out',
    failure: { reason: 'http_410', retryable: false },
    detail: '410 Gone: moved out',
  });
});

test.each([301, 302, 303, 307, 308])('a %i redirect is a failure and not followed', async (statusCode) => {
  const target = await startScriptedReceiver((response) => response.end());
  const receiver = await startScriptedReceiver((response) =>
    response.writeHead(statusCode, { location: `${target.origin}/hooks` }).end(),
  );
  expect(await post(receiver.origin)).toMatchObject({
    outcome: 'failed',
    failure: { reason: `http_${statusCode}`, retryable: true },
  });
  expect(target.connectionsEver()).toBe(0);
});

test('an interim answer is not the answer', async () => {
  const receiver = await startScriptedReceiver((response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload' });
    response.writeHead(503).end();
  });
  expect(await post(receiver.origin)).toMatchObject({ statusCode: 503 });
});

test.each([
  ['100', (response: ServerResponse) => response.writeContinue()],
  ['102', (response: ServerResponse) => response.writeProcessing()],
  ['103', (response: ServerResponse) => response.writeEarlyHints({ link: '</a>; rel=preload' })],
])(
  'after an interim %s the answer is the one that counts, and the connection is kept',
  async (_, interim) => {
    const receiver = await startScriptedReceiver((response, nth) => {
      interim(response);
      interim(response);
      response.writeHead(nth === 0 ? 202 : 503).end('later');
    });
    const client = connect(receiver.origin);
    const request = { path: '/', headers: {}, body: 'x', timeoutMs: 10_000 };
    const clock = { now: () => nowMs };
    expect(await sendWebhookRequest(client, request, clock)).toEqual({
      outcome: 'delivered',
      statusCode: 202,
      answer: 'later',
    });
    expect(await sendWebhookRequest(client, request, clock)).toMatchObject({
      statusCode: 503,
      detail: '503 Service Unavailable: later',
    });
    expect(receiver.connectionsEver()).toBe(1);
  },
);

const dribbled = [
  'HTTP/1.1 100 Continue\r\nx-a: b\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 500 No\r\ncontent-length: 25\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
].join('');

test.each([1, 7, 1_000])('interim answers may come in pieces of %i bytes', async (bytes) => {
  const origin = await startRawReceiver((socket) => {
    socket.setNoDelay(true);
    const send = (from: number) => {
      if (from < dribbled.length) {
        socket.write(dribbled.slice(from, from + bytes), () => setImmediate(send, from + bytes));
      }
    };
    send(0);
  });
  // What looks like one in the body is the body's.
  expect(await post(origin)).toMatchObject({
    statusCode: 500,
    detail: '500 Internal Server Error: HTTP/1.1 100 Continue\r\n\r\n',
  });
});

test('an interim answer without end is no answer', async () => {
  const origin = await startRawReceiver((socket) => {
    socket.write(`HTTP/1.1 100 Continue\r\nx: ${'a'.repeat(20_000)}`);
  });
  expect(await post(origin)).toMatchObject({ outcome: 'failed', failure: { retryable: true } });
});

test('a connection that ends in the middle of an interim answer has failed', async () => {
  const origin = await startRawReceiver((socket) => void socket.end('HTTP/1.1 100 Con'));
  expect(await post(origin)).toMatchObject({
    outcome: 'failed',
    failure: { reason: 'connection', retryable: true },
    detail: expect.stringMatching(/^UND_ERR_SOCKET: /),
  });
});

async function waitAsked(statusCode: number, retryAfter: string) {
  const receiver = await startScriptedReceiver((response) =>
    response.writeHead(statusCode, { 'retry-after': retryAfter }).end(),
  );
  const result = await post(receiver.origin);
  return result.outcome === 'failed' ? result.failure.retryAfterMs : 'delivered';
}

describe('Retry-After', () => {
  test.each([429, 503])('counts with %i, as seconds and as a date', async (statusCode) => {
    expect(await waitAsked(statusCode, '120')).toBe(120_000);
    expect(await waitAsked(statusCode, 'Sun, 22 Nov 2026 12:00:45 GMT')).toBe(45_000);
  });

  test.each([500, 404, 301])('does not with %i', async (statusCode) => {
    expect(await waitAsked(statusCode, '120')).toBeUndefined();
  });
});

describe('time runs out', () => {
  const timeout = { outcome: 'failed', failure: { reason: 'timeout', retryable: true } };

  test('when no answer begins', async () => {
    const receiver = await startScriptedReceiver(() => undefined);
    expect(await post(receiver.origin, 50)).toMatchObject(timeout);
    await expect.poll(() => receiver.connections()).toBe(0);
  });

  test('when the answer does not end, whatever its status', async () => {
    const receiver = await startScriptedReceiver((response) => response.writeHead(200).write('and so'));
    expect(await post(receiver.origin, 100)).toMatchObject(timeout);
    await expect.poll(() => receiver.connections()).toBe(0);
  });

  test('when the answer comes byte by byte', async () => {
    const receiver = await startScriptedReceiver((response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('.'), 5);
      response.on('close', () => clearInterval(drip));
    });
    expect(await post(receiver.origin, 100)).toMatchObject(timeout);
    await expect.poll(() => receiver.connections()).toBe(0);
  });
});

test('a body without end is cut off, and its status counts', async () => {
  let isClosed = false;
  const receiver = await startScriptedReceiver((response) => {
    response.writeHead(503);
    const flood = () => {
      while (!response.closed && response.write('flood '.repeat(1_000)));
    };
    response.on('drain', flood);
    response.on('close', () => (isClosed = true));
    flood();
  });
  const result = await post(receiver.origin);
  expect(result).toMatchObject({ outcome: 'failed', failure: { reason: 'http_503' } });
  expect(result.outcome === 'failed' ? result.detail : '').toMatch(/^503 Service Unavailable: flood /);
  expect(result.outcome === 'failed' ? result.detail.length : 0).toBeLessThan(250);
  await expect.poll(() => isClosed).toBe(true);
});

test('what is kept of a long answer is its beginning alone', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const answer = 'failure '.repeat(2_000);
  const receiver = await startScriptedReceiver((response) => response.writeHead(500).end(answer));
  const kept: AttemptResult[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  const client = connect(receiver.origin);
  for (let i = 0; i < 300; i += 1) {
    const request = { path: '/', headers: {}, body: 'x', timeoutMs: 10_000 };
    kept.push(await sendWebhookRequest(client, request, { now: () => nowMs }));
  }
  collect();
  expect((process.memoryUsage().heapUsed - before) / kept.length).toBeLessThan(answer.length / 2);
});

describe('the connection fails', () => {
  const failed = { outcome: 'failed', failure: { reason: 'connection', retryable: true } };

  test('when nobody listens', async () => {
    const result = await post(await unusedOrigin());
    expect(result).toMatchObject(failed);
    expect(result.outcome === 'failed' ? result.detail : '').toContain('ECONNREFUSED');
  });

  test.each([
    { how: 'it is reset', answer: (socket: Socket) => void socket.resetAndDestroy() },
    { how: 'it ends without an answer', answer: (socket: Socket) => void socket.end() },
    { how: 'the answer is no HTTP', answer: (socket: Socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n') },
    {
      how: 'the body is shorter than announced',
      answer: (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'),
    },
    {
      how: 'a chunk is broken',
      answer: (socket: Socket) =>
        void socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
    },
    {
      how: 'the headers have no end',
      answer: (socket: Socket) => void socket.write(`HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(20_000)}`),
    },
    {
      how: 'the receiver wants another protocol',
      answer: (socket: Socket) =>
        void socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'),
    },
  ])('when $how', async ({ answer }) => {
    expect(await post(await startRawReceiver(answer))).toMatchObject(failed);
  });
});
