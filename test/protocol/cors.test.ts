import { describe, expect, test } from 'vitest';
import { servicePath } from '../support/clients/payment-client.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { startService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';

const quickStop = { SHUTDOWN_GRACE_MS: '0' };
const path = `${servicePath}/CreatePaymentIntent`;
const shop = 'https://shop.example';
const body = Buffer.from(JSON.stringify(validCreate()));

const preflight = {
  method: 'OPTIONS',
  path,
  headers: {
    origin: shop,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,connect-protocol-version,authorization',
  },
};

describe.each(['1.1', '2'] as const)('over HTTP/%s', (httpVersion) => {
  test('a preflight names what may be sent, and may be remembered', async () => {
    const service = await startService({ ...quickStop, CORS_ORIGINS: shop });
    const { status, headers } = await sendRaw(service.apiUrl, httpVersion, preflight);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': shop,
      'access-control-max-age': '7200',
      'access-control-allow-methods': 'POST, GET',
      vary: 'Origin, Access-Control-Request-Headers',
    });
  });

  test.each([
    'content-type,connect-protocol-version,connect-timeout-ms',
    'grpc-timeout,x-grpc-web,x-user-agent,authorization',
    'idempotency-key,traceparent,tracestate,x-request-id',
    'baggage,sentry-trace',
    'payment-sim-delay-ms,x-anything-else',
  ])('a preflight allows %s', async (asked) => {
    const { apiUrl } = await startService({ ...quickStop, CORS_ORIGINS: '*' });
    const headers = { ...preflight.headers, 'access-control-request-headers': asked };
    const answer = await sendRaw(apiUrl, httpVersion, { ...preflight, headers });
    expect(answer.status).toBe(204);
    const allowed = String(answer.headers['access-control-allow-headers']).split(/, ?/);
    expect(allowed).toEqual(asked.split(','));
  });

  test('an origin that is not in the list is not let in, by preflight or answer', async () => {
    const { apiUrl } = await startService({ ...quickStop, CORS_ORIGINS: shop });
    const origin = 'https://shop.example.attacker.example';
    const headers = { ...preflight.headers, origin };
    const refused = await sendRaw(apiUrl, httpVersion, { ...preflight, headers });
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
    expect(refused.headers['vary']).toContain('Origin');
    const answered = await sendRaw(apiUrl, httpVersion, {
      path,
      headers: { origin, 'content-type': 'application/json' },
      body,
    });
    expect(answered.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test.each([
    ['a call', path, 'application/json', 200],
    ['a call that is refused', `${servicePath}/GetPaymentStatus`, 'application/json', 400],
    ['an unknown method over Connect', `${servicePath}/Refund`, 'application/json', 501],
    ['an unknown method over gRPC-Web', `${servicePath}/Refund`, 'application/grpc-web+proto', 200],
    ['a content type that is not taken', path, 'text/plain', 415],
  ])('%s is answered so that the page may read it', async (_name, target, contentType, status) => {
    const { apiUrl } = await startService({ ...quickStop, CORS_ORIGINS: `http://localhost:3000,${shop}` });
    const response = await sendRaw(apiUrl, httpVersion, {
      path: target,
      headers: { origin: shop, 'content-type': contentType },
      body,
    });
    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject({ 'access-control-allow-origin': shop, vary: 'Origin' });
    expect(String(response.headers['access-control-expose-headers']).toLowerCase()).toMatch(
      /grpc-status, grpc-message, grpc-status-details-bin,.* x-request-id/,
    );
  });

  test('for any origin, answers do not vary by it; for none, nothing is said', async () => {
    const open = await startService({ ...quickStop, CORS_ORIGINS: '*' });
    const { headers } = await sendRaw(open.apiUrl, httpVersion, preflight);
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['vary']).toBe('Access-Control-Request-Headers');

    const closed = await startService({ ...quickStop, CORS_ORIGINS: 'none' });
    const refused = await sendRaw(closed.apiUrl, httpVersion, preflight);
    expect(refused.status).toBe(405);
    expect(Object.keys(refused.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});
