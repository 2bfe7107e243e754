import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callGrpc } from '../support/clients/grpc-call.ts';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';
import { errorPaths } from './error-paths.ts';

/** As `@grpc/grpc-js` reads `grpc-message`: the reserved characters stay as they are. */
const readAsGrpcJs = decodeURI;

describe.each([true, false])('with the lane: %s', (unaryLane) => {
  let service: RunningService;

  beforeAll(async () => {
    service = await launchService({ READ_MAX_BYTES: '1024', SHUTDOWN_GRACE_MS: '0' }, { unaryLane });
  });

  afterAll(() => service.app.stop());

  test.each(errorPaths)('$name: HEADERS end the stream, and any reader sees the text', async (path) => {
    const answer = await callGrpc(service.apiUrl, path.call);
    expect(answer.status).toBe(String(path.status));
    const told = readAsGrpcJs(answer.escapedMessage);
    expect(told).toEqual(path.message instanceof RegExp ? expect.stringMatching(path.message) : path.message);
    expect(decodeURIComponent(answer.escapedMessage)).toBe(told);
    expect(answer.isTrailersOnly).toBe(true);
    expect(answer.headers[':status']).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/grpc/);
    expect(answer.headers['x-request-id']).toMatch(/^req-/);
    expect(answer.body).toHaveLength(0);
  });

  test('an answer with a message has its status in trailers', async () => {
    const body = frame(encodeRequest('CreatePaymentIntent', validCreate()), 0);
    const answer = await callGrpc(service.apiUrl, { path: `${servicePath}/CreatePaymentIntent`, body });
    expect(answer.isTrailersOnly).toBe(false);
    expect(answer.headers).not.toHaveProperty('grpc-status');
    expect(answer.trailers['grpc-status']).toBe('0');
  });

  test.each(
    errorPaths.filter(
      ({ call }) => call.path !== '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    ),
  )('over HTTP/1.1: $name', async ({ call, status, message }) => {
    const headers = { 'content-type': 'application/grpc', ...call.headers };
    const answer = await sendRaw(service.apiUrl, '1.1', { ...call, headers });
    expect(answer.status).toBe(200);
    expect(answer.headers['grpc-status']).toBe(String(status));
    const told = readAsGrpcJs(answer.headers['grpc-message'] ?? '');
    expect(told).toEqual(message instanceof RegExp ? expect.stringMatching(message) : message);
  });

  test.each([
    ['as it is', {}, frame(Buffer.alloc(0), 0)],
    ['accepting gzip', { 'grpc-accept-encoding': 'gzip' }, frame(Buffer.alloc(0), 0)],
    ['sent with gzip', { 'grpc-encoding': 'gzip' }, frame(gzipSync(Buffer.alloc(0)), 1)],
    ['sent as JSON', { 'content-type': 'application/grpc-web+json' }, frame(Buffer.from('{}'), 0)],
  ])('gRPC-Web, %s: any reader sees the text', async (_how, headers, body) => {
    const { body: answer } = await sendRaw(service.apiUrl, '1.1', {
      path: `${servicePath}/GetPaymentStatus`,
      headers: { 'content-type': 'application/grpc-web+proto', ...headers },
      body,
    });
    expect(answer.toString('latin1')).toContain('grpc-message: payment_intent_id: is required\r\n');
  });

  test('gRPC-Web, a trailer long enough to be compressed: any reader sees the text', async () => {
    const { body: answer } = await sendRaw(service.apiUrl, '2', {
      path: '/grpc.health.v1.Health/Check',
      headers: {
        'content-type': 'application/grpc-web+json',
        'grpc-accept-encoding': 'gzip',
      },
      body: frame(Buffer.from(JSON.stringify({ service: ':'.repeat(1_000) })), 0),
    });
    expect(answer.readUInt8(0)).toBe(0x81);
    expect(gunzipSync(answer.subarray(5)).toString('latin1')).toMatch(
      /^grpc-message: unknown service ":{900,}/m,
    );
  });
});
