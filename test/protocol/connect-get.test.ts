import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Method, servicePath } from '../support/clients/payment-client.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';
import { expectUnharmed } from './unharmed.ts';

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0' });
});

afterAll(async () => {
  await service.app.stop();
});

beforeEach(() => () => expectUnharmed(service));

describe.each(['1.1', '2'] as const)('GET over HTTP/%s', (httpVersion) => {
  const get = (query: string, rpc: Method = 'GetPaymentStatus') =>
    sendRaw(service.apiUrl, httpVersion, { method: 'GET', path: `${servicePath}/${rpc}?${query}` });

  test('a call with side effects is refused', async () => {
    const message = encodeURIComponent(JSON.stringify(validCreate()));
    const response = await get(`connect=v1&encoding=json&message=${message}`, 'CreatePaymentIntent');
    expect(response.status).toBe(405);
  });

  test.each([
    ['no query', '', [400, 415]],
    ['no message', 'connect=v1&encoding=json', [400]],
    ['no encoding', 'connect=v1&message=%7B%7D', [400, 415]],
    ['an unknown encoding', 'connect=v1&encoding=xml&message=%7B%7D', [400, 415]],
    ['an unknown version', 'connect=v9&encoding=json&message=%7B%7D', [400]],
    ['an unknown compression', 'connect=v1&encoding=json&compression=br&message=%7B%7D', [404, 501]],
    ['broken base64', 'connect=v1&encoding=proto&base64=1&message=%2A%2A%2A', [400]],
    ['broken percent signs', 'connect=v1&encoding=json&message=%7B%ZZ', [400]],
  ])('%s is refused', async (_kind, query, statuses) => {
    const response = await get(query);
    expect(statuses).toContain(response.status);
  });
});
