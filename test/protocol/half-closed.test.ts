import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectionLimits } from '../../src/server/port/connection-limits.ts';
import { createDualProtocolServer } from '../../src/server/port/dual-protocol.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { openRawConnection, type RawConnection } from '../support/clients/raw-connection.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import {
  launchRedisServer,
  missingRedis,
  type RedisServer,
  requireRedisInCi,
} from '../support/redis-server.ts';
import { validCreate } from './case-context.ts';

/* Callers that end their side of the connection after the request, and wait: `nc -N` does. */

requireRedisInCi();

function post(path: string, headers: string, body: Uint8Array | string = ''): Buffer {
  const bytes = Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

const create = `${servicePath}/CreatePaymentIntent`;
const json = JSON.stringify(validCreate());
const message = encodeRequest('CreatePaymentIntent', validCreate());
const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
const unknownId = '%7B%22payment_intent_id%22%3A%22pay_00000000-0000-4000-8000-000000000000%22%7D';
const watch = post('/grpc.health.v1.Health/Watch', 'Content-Type: application/grpc-web', Buffer.alloc(5));

/** A request and text of its answer. */
const calls: Readonly<Record<string, readonly [request: Buffer, answer: string]>> = {
  'Connect, fast path': [post(create, 'Content-Type: application/json', json), 'PAYMENT_STATUS_PENDING'],
  'gRPC-Web, fast path': [
    post(create, 'Content-Type: application/grpc-web+proto', envelope),
    'grpc-status: 0',
  ],
  'Connect with a charset': [
    post(create, 'Content-Type: application/json; charset=utf-8', json),
    'PAYMENT_STATUS_PENDING',
  ],
  'Connect with an origin': [
    post(create, 'Content-Type: application/json\r\nOrigin: http://a.test', json),
    'PAYMENT_STATUS_PENDING',
  ],
  'Connect GET': [
    Buffer.from(
      `GET ${servicePath}/GetPaymentStatus?connect=v1&encoding=json&message=${unknownId} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    ),
    'not_found',
  ],
  'too large': [post(create, 'Content-Type: application/json', Buffer.alloc(500_000)), 'resource_exhausted'],
  'an unknown method': [post('/unknown', 'Content-Type: application/json', json), 'unimplemented'],
  'a stream': [watch, '\b\u0001'], // `status: SERVING`
};

const probes: typeof calls = {
  '/readyz': [Buffer.from('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n'), '"ready"'],
  '/metrics': [Buffer.from('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'), 'payment_stored'],
};

async function halfClose(port: number, bytes: Uint8Array): Promise<RawConnection> {
  const connection = await openRawConnection(port);
  connection.socket.end(bytes);
  return connection;
}

const states = missingRedis === undefined ? (['memory', 'Redis'] as const) : (['memory'] as const);

describe.each(states)('with state in %s', (state) => {
  let service: RunningService;
  let redis: RedisServer | undefined;

  beforeAll(async () => {
    redis = state === 'Redis' ? await launchRedisServer() : undefined;
    service = await launchService({
      SHUTDOWN_GRACE_MS: '0',
      CORS_ORIGINS: '*',
      ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
    });
  });

  afterAll(async () => {
    await service.app.stop();
    await redis?.stop();
  });

  test.each(Object.entries(calls))('%s: answered, then closed', async (_what, [request, answer]) => {
    const connections = await Promise.all(
      Array.from({ length: 10 }, () => halfClose(service.apiPort, request)),
    );
    await Promise.all(connections.map((connection) => connection.waitFor(answer)));
    await Promise.all(connections.map((connection) => connection.closed()));
    await expect.poll(() => service.metric('api_connections{protocol="http1"}')).toBe(0);
  });

  test.each(Object.entries(probes))('%s: answered, then closed', async (_what, [request, answer]) => {
    const connection = await halfClose(service.opsPort, request);
    await connection.waitFor(answer);
    await connection.closed();
  });

  test('three calls at once, pipelined', async () => {
    const [request, answer] = calls['Connect, fast path'] ?? [Buffer.alloc(0), ''];
    const connection = await halfClose(service.apiPort, Buffer.concat([request, request, request]));
    await connection.closed();
    expect(connection.received().toString('latin1').split(answer)).toHaveLength(4);
  });
});

describe('a caller that reads nothing of its answers is closed', () => {
  test.each(['and has ended its side', 'and has not'])('%s', async (kind) => {
    const server = createDualProtocolServer(
      (_request, response) => void response.end(Buffer.alloc(16_000_000)),
      { ...limits, requestTimeoutMs: kind === 'and has not' ? 300 : 60_000 },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const connection = await openRawConnection((server.address() as AddressInfo).port);
    connection.socket.pause();
    const [serversSocket] = await accepted;
    const closed = once(serversSocket, 'close');
    connection.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    if (kind === 'and has ended its side') {
      connection.socket.end();
    }
    await closed;
    server.close();
  });
});

const limits: ConnectionLimits = {
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 300,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  maxConcurrentStreams: 100,
  maxConnections: 100,
  maxHeaderBytes: 16_384,
};
