import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createBodyBudget } from '../../src/server/transport/body-budget.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { openRawConnection, type RawConnection } from '../support/clients/raw-connection.ts';
import { type RunningService, startService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';
import { expectUnharmed } from './unharmed.ts';

let service: RunningService;

beforeEach(async () => {
  service = await startService({ SHUTDOWN_GRACE_MS: '0', CORS_ORIGINS: '*' });
});

const create = `${servicePath}/CreatePaymentIntent`;
const bodyBytes = 60_000;
/** Begins a message of 60,000 bytes; its letters are no JSON. */
const envelopeHead = Buffer.from([0, 0, 0, 0xea, 0x60]);

type Kind = [name: string, path: string, headers: Record<string, string>];

const kinds: readonly Kind[] = [
  ['Connect, fast path', create, { 'content-type': 'application/json' }],
  ['gRPC, fast path', create, { 'content-type': 'application/grpc' }],
  ['Connect with a charset', create, { 'content-type': 'application/json; charset=utf-8' }],
  ['Connect with an origin', create, { 'content-type': 'application/json', origin: 'http://a.test' }],
  ['gRPC, compressed', create, { 'content-type': 'application/grpc', 'grpc-encoding': 'gzip' }],
  ['a stream', '/grpc.health.v1.Health/Watch', { 'content-type': 'application/grpc' }],
];

function openSession(): ClientHttp2Session {
  const session = connect(service.apiUrl);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

/** Sends most of a body and not the end. */
async function sendUnfinished(
  session: ClientHttp2Session,
  [, path, headers]: Kind,
): Promise<ClientHttp2Stream> {
  const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
  stream.on('error', () => undefined);
  const isFramed = headers['content-type']?.startsWith('application/grpc');
  await new Promise((resolve) => {
    stream.write(
      Buffer.concat([isFramed ? envelopeHead : Buffer.alloc(0), Buffer.alloc(bodyBytes - 10)]),
      resolve,
    );
  });
  return stream;
}

/** Resolves with what a refused stream is told. */
async function refusalOf(stream: ClientHttp2Stream): Promise<string> {
  return await new Promise((resolve) => {
    stream.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) {
        resolve(`grpc-status ${String(headers['grpc-status'])}`);
      }
    });
    stream.on('trailers', (trailers) => resolve(`grpc-status ${String(trailers['grpc-status'])}`));
    let body = '';
    stream.setEncoding('utf8').on('data', (piece: string) => (body += piece));
    stream.on('end', () => {
      if (body !== '') {
        resolve((JSON.parse(body) as { code: string }).code);
      }
    });
  });
}

async function recordRefusal(stream: ClientHttp2Stream, refusals: string[]): Promise<void> {
  refusals.push(await refusalOf(stream));
}

describe('HTTP/2', () => {
  test.each(kinds)('%s: 8 MiB a connection, then RESOURCE_EXHAUSTED', async (...kind) => {
    const session = openSession();
    const refusals: string[] = [];
    const streams: ClientHttp2Stream[] = [];
    while (refusals.length === 0 && streams.length < 400) {
      const stream = await sendUnfinished(session, kind);
      streams.push(stream);
      void recordRefusal(stream, refusals);
      // What the service has answered by now has come before the answer to the PING.
      await new Promise((resolve) => {
        session.ping(resolve);
      });
    }
    expect(refusals[0]).toMatch(/^(resource_exhausted|grpc-status 8)$/);
    // 8 MiB are 139 bodies.
    expect(streams.length).toBeGreaterThan(138);
    // Others are answered, and what is given up makes room again.
    await expectUnharmed(service);
    await Promise.all(
      streams.map(async (stream) => {
        await new Promise<void>((resolve) => {
          if (stream.closed) {
            resolve();
          } else {
            stream.once('close', resolve);
            stream.close(8);
          }
        });
      }),
    );
    const whole = session.request({ ':method': 'POST', ':path': create, 'content-type': 'application/json' });
    whole.end(JSON.stringify(validCreate()));
    expect(await text(whole)).toContain('PAYMENT_STATUS_PENDING');
  });
});

describe('HTTP/1.1', () => {
  test.each([
    ['fast path', 'application/json'],
    ['with a charset', 'application/json; charset=utf-8'],
  ])('%s: 64 MiB in all, then RESOURCE_EXHAUSTED', { timeout: 60_000 }, async (_kind, contentType) => {
    const head = `POST ${create} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${contentType}\r\nContent-Length: ${bodyBytes}\r\n\r\n`;
    const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(bodyBytes - 10)]);
    // 64 MiB are 1,118 bodies.
    const connections: RawConnection[] = [];
    while (connections.length < 1_200) {
      // In batches: the kernel's queue of connections that wait to be accepted is short.
      const batch = Array.from({ length: 100 }, () => openRawConnection(service.apiPort));
      connections.push(...(await Promise.all(batch)));
    }
    connections.forEach((connection) => connection.send(bytes));
    const refused = () =>
      connections.filter((connection) => connection.received().includes('resource_exhausted'));
    await expect.poll(() => refused().length, { timeout: 25_000 }).toBeGreaterThan(70);
    expect(refused().length).toBeLessThan(100);
    connections.forEach((connection) => connection.socket.destroy());
    await expect.poll(() => service.metric('api_connections{protocol="http1"}')).toBe(0);
    await expectUnharmed(service);
  });
});

describe('the budget', () => {
  test('is had again when a body ends, and when a connection closes', () => {
    const budget = createBodyBudget(65_536);
    const connections = Array.from({ length: 9 }, () => budget.of({}));
    const most = 8_388_608;
    expect(connections.map((connection) => connection.hold(most, 0))).toEqual([
      ...Array(8).fill(true),
      false,
    ]);
    connections[0]?.release(most);
    expect(connections[8]?.hold(most, 0)).toBe(true);
    expect(connections[0]?.hold(1, 0)).toBe(false);
    connections[1]?.close();
    connections[1]?.release(most);
    expect(connections[0]?.hold(most, 0)).toBe(true);
    expect(connections[0]?.hold(1, most)).toBe(false);
  });

  test('grows with the largest message', () => {
    const connection = createBodyBudget(4_194_304).of({});
    expect(connection.hold(16_777_216, 0)).toBe(true);
    expect(connection.hold(1, 16_777_216)).toBe(false);
  });
});
