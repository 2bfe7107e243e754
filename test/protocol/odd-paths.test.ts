import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servicePath } from '../support/clients/payment-client.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { readConnectError } from '../support/clients/wires.ts';
import { launchService, type RunningService } from '../support/start-service.ts';

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0', CORS_ORIGINS: '*' });
});

afterAll(async () => {
  await service.app.stop();
  expect(service.logs().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

const refund = `${servicePath}/Refund`;
const create = `${servicePath}/CreatePaymentIntent`;
const json = { 'content-type': 'application/json' };

describe.each(['1.1', '2'] as const)('over HTTP/%s', (httpVersion) => {
  test.each([
    '//',
    '///',
    '//:99999/',
    '//a b',
    '/%zz',
    '/%',
    '/?%zz=%',
    '/a?b#c',
    '/..%2f..%2f%00',
    `/${create}`,
    `${create}/`,
  ])('%s is not implemented', async (path) => {
    // Node's own client refuses to send a space.
    const target = path.replace(' ', '%20');
    const answer = await sendRaw(service.apiUrl, httpVersion, { path: target, headers: json });
    expect(answer.status).toBe(501);
    expect(readConnectError(answer).code).toBe('UNIMPLEMENTED');
    expect(answer.headers['x-request-id']).toMatch(/^req-/);
  });

  test.each([
    ['no body', json, undefined],
    ['a broken body', json, '{"a'],
    ['an empty body', json, ''],
    ['no content type', {}, '{}'],
    ['a content type that Fastify does not know', { 'content-type': 'application/xml' }, '<a/>'],
    ['a content type that is none', { 'content-type': ';;' }, 'a'],
    ['a form', { 'content-type': 'multipart/form-data' }, 'a'],
    ['2 MB', json, ' '.repeat(2_000_000)],
  ])('a mistyped method with %s is not implemented', async (_what, headers, body) => {
    const request = { path: refund, headers, ...(body !== undefined && { body: Buffer.from(body) }) };
    const answer = await sendRaw(service.apiUrl, httpVersion, request);
    expect(answer.status).toBe(501);
    expect(readConnectError(answer)).toEqual({
      code: 'UNIMPLEMENTED',
      message: `POST ${refund} is not implemented here`,
    });
  });

  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE'])(
    '%s of what does not exist is not implemented, of a method not allowed',
    async (method) => {
      const unknown = await sendRaw(service.apiUrl, httpVersion, { method, path: '/nowhere' });
      expect(unknown.status).toBe(501);
      expect(readConnectError(unknown).code).toBe('UNIMPLEMENTED');
      const known = await sendRaw(service.apiUrl, httpVersion, { method, path: create });
      expect(known.status).toBe(405);
      expect(known.headers['allow']).toBe('POST');
      expect(readConnectError(known).code).toBe('INVALID_ARGUMENT');
    },
  );

  test('HEAD is answered by headers alone', async () => {
    const answer = await sendRaw(service.apiUrl, httpVersion, { method: 'HEAD', path: '/nowhere' });
    expect(answer.status).toBe(501);
    expect(answer.body).toHaveLength(0);
  });

  test('with preflight headers, OPTIONS is a preflight on any path', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
    for (const path of [create, refund]) {
      expect((await sendRaw(service.apiUrl, httpVersion, { method: 'OPTIONS', path, headers })).status).toBe(
        204,
      );
    }
  });
});

test.each(['FOO', 'get', 'M-SEARCH-2'])('over HTTP/2, a method %s that nobody knows', async (method) => {
  const unknown = await sendRaw(service.apiUrl, '2', { method, path: '/' });
  expect(unknown.status).toBe(501);
  expect(readConnectError(unknown).code).toBe('UNIMPLEMENTED');
  expect((await sendRaw(service.apiUrl, '2', { method, path: create })).status).toBe(501);
});

test.each(['POST', 'HEAD', 'FOO'])(
  'callers who leave before they are refused do no harm: %s',
  async (method) => {
    for (const contentType of ['application/json', 'application/grpc', 'text/plain']) {
      const session = connect(service.apiUrl);
      session.on('error', () => undefined);
      for (const path of [refund, create, '/%zz']) {
        for (let i = 0; i < 20; i += 1) {
          const stream = session.request({ ':method': method, ':path': path, 'content-type': contentType });
          stream.on('error', () => undefined);
          stream.write('x');
          if (i % 2 === 0) {
            stream.close();
          }
        }
      }
      await new Promise((resolve) => setImmediate(resolve));
      session.destroy();
    }
    expect((await sendRaw(service.apiUrl, '2', { path: refund, headers: json })).status).toBe(501);
  },
);

describe('the ops port', () => {
  test.each([
    ['GET', '/nothing', 404],
    ['GET', '//', 404],
    ['GET', '/%zz', 404],
    ['POST', '/health', 404],
    ['OPTIONS', '/health', 404],
  ])('%s %s is answered in JSON that says what there is', async (method, path, status) => {
    for (const [headers, body] of [
      [{}, undefined],
      [json, '{"a'],
      [{ 'content-type': 'application/xml' }, '<a/>'],
    ] as const) {
      const answer = await sendRaw(service.opsUrl, '1.1', {
        method,
        path,
        headers,
        ...(body !== undefined && method === 'POST' && { body: Buffer.from(body) }),
      });
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      const text = answer.body.toString();
      expect(JSON.parse(text)).toEqual({
        error: expect.stringContaining('GET /health, /livez, /readyz') as string,
      });
      expect(text).not.toMatch(/FST_|stack|statusCode/);
    }
  });
});
