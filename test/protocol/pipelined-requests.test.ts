import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ConnectionLimits } from '../../src/server/port/connection-limits.ts';
import { createDualProtocolServer } from '../../src/server/port/dual-protocol.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { startService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';

/* Callers over HTTP/1.1 that send request after request and read no answer. */

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Every request that a server of this process takes from now on. */
function watchExchanges(): readonly Exchange[] {
  const exchanges: Exchange[] = [];
  const note = (message: unknown) => void exchanges.push(message as Exchange);
  subscribe('http.server.request.start', note);
  onTestFinished(() => void unsubscribe('http.server.request.start', note));
  return exchanges;
}

/** What is kept of answers that were not sent, in bytes. */
function keptBytes(exchanges: readonly Exchange[]): number {
  const sockets = new Set(exchanges.map(({ request }) => request.socket));
  const waiting = exchanges.filter(
    ({ request, response }) => response.socket === null && !request.socket.destroyed,
  );
  return [...sockets, ...waiting.map(({ response }) => response)].reduce(
    (bytes, { writableLength }) => bytes + writableLength,
    0,
  );
}

/** Sends it over and over, reading nothing, until the server takes no more; the most that it kept, in bytes. */
async function mostKept(port: number, request: string): Promise<number> {
  const exchanges = watchExchanges();
  const { socket } = await openRawConnection(port);
  socket.pause();
  const pieces = Buffer.from(request.repeat(Math.ceil(65_536 / request.length)));
  let most = 0;
  let sentBytes = 0;
  let before = -1;
  // Until nothing has moved for a while: neither side reads.
  for (let idle = 0; idle < 20 && !socket.destroyed;) {
    if (socket.writableLength < pieces.length) {
      socket.write(pieces);
      sentBytes += pieces.length;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    most = Math.max(most, keptBytes(exchanges));
    idle = before === exchanges.length ? idle + 1 : 0;
    before = exchanges.length;
  }
  expect(sentBytes).toBeGreaterThan(0);
  return most;
}

const limits: ConnectionLimits = {
  maxConnections: 100,
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  maxHeaderBytes: 16_384,
  maxConcurrentStreams: 1_000,
};

describe('requests whose answers take their time', () => {
  test('beyond a thousand in a connection it is closed, and the rest not carried out', async () => {
    const held: ServerResponse[] = [];
    const server = createDualProtocolServer((_request, response) => void held.push(response), limits);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const connection = await openRawConnection((server.address() as AddressInfo).port);
    connection.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(5_000));
    await connection.closed();
    expect(held).toHaveLength(1_001);
  });

  test('those that are answered make room for others', async () => {
    const held: ServerResponse[] = [];
    const server = createDualProtocolServer((_request, response) => void held.push(response), limits);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const connection = await openRawConnection((server.address() as AddressInfo).port);
    for (let sent = 900; sent <= 2_700; sent += 900) {
      connection.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(900));
      await expect.poll(() => held.length).toBe(sent);
      held.slice(sent - 900).forEach((response) => response.end());
      await connection.waitUntil((received) => received.toString('latin1').split('200 OK').length > sent);
    }
  });
});

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const create = (body: string) =>
  `POST ${servicePath}/CreatePaymentIntent HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const quiet = { SHUTDOWN_GRACE_MS: '0', LOG_LEVEL: 'error' };

/** Asks for a payment with the longest fields there may be. */
async function getLongest(apiUrl: string): Promise<string> {
  const longId = '가'.repeat(128);
  const created = await fetch(`${apiUrl}${servicePath}/CreatePaymentIntent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(validCreate({ reservation_id: longId, user_id: longId })),
  });
  const { payment_intent_id } = (await created.json()) as { payment_intent_id: string };
  const message = encodeURIComponent(JSON.stringify({ payment_intent_id }));
  return get(`${servicePath}/GetPaymentStatus?connect=v1&encoding=json&message=${message}`);
}

describe('answers that are not read', () => {
  test('keep less than 1 MiB of a connection to 8030', async () => {
    const { apiPort, apiUrl } = await startService(quiet);
    expect(await mostKept(apiPort, await getLongest(apiUrl))).toBeLessThan(1_048_576);
  });

  test('keep less than 1 MiB of a connection to 8031', async () => {
    const { opsPort } = await startService(quiet);
    expect(await mostKept(opsPort, get('/metrics'))).toBeLessThan(1_048_576);
  });

  test('have at most 4 KiB each on 8030, so 4 MiB are the most that a thousand can be', async () => {
    const { apiPort, apiUrl } = await startService(quiet);
    const requests = [
      await getLongest(apiUrl),
      get('/none'),
      create('{}'),
      create(`{"${'k'.repeat(60_000)}":1}`),
      create(JSON.stringify({ reservation_id: '/', user_id: '\u0001', amount: {}, idempotency_key: ' ' })),
    ];
    for (const request of requests) {
      const connection = await openRawConnection(apiPort);
      connection.send(request.replace('Host: a', 'Host: a\r\nConnection: close'));
      await connection.closed();
      expect(connection.received().length).toBeGreaterThan(100);
      expect(connection.received().length).toBeLessThan(4_096);
    }
  });
});
