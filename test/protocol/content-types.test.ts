import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { curl } from '../support/clients/curl.ts';
import { missingCurl } from '../support/missing-curl.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { readConnectError } from '../support/clients/wires.ts';
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

const path = `${servicePath}/CreatePaymentIntent`;
const body = Buffer.from(JSON.stringify(validCreate()));

describe.each(['1.1', '2'] as const)('over HTTP/%s', (httpVersion) => {
  test.each(['text/plain', 'application/xml', 'application/x-protobuf', 'nonsense', 'application/json2', ''])(
    'content-type "%s" is refused with a list of those that are taken',
    async (contentType) => {
      const headers = { 'content-type': contentType };
      const response = await sendRaw(service.apiUrl, httpVersion, { path, headers, body });
      expect(response.status).toBe(415);
      const { code, message } = readConnectError(response);
      expect(code).toBe('INVALID_ARGUMENT');
      expect(message).toMatch(/application\/json.*application\/grpc.*application\/grpc-web/);
    },
  );

  test.each([true, false])('no content-type is refused, with a body or without: %s', async (withBody) => {
    const response = await sendRaw(service.apiUrl, httpVersion, { path, ...(withBody ? { body } : {}) });
    expect(response.status).toBe(415);
    expect(readConnectError(response).code).toBe('INVALID_ARGUMENT');
  });

  test.skipIf(missingCurl)(
    'the form that curl sends unless told otherwise is refused by its name',
    async () => {
      const response = await curl({
        url: `${service.apiUrl}${path}`,
        httpVersion,
        body,
      });
      expect(response.status).toBe(415);
      expect(response.body.toString('utf8')).toContain('application/x-www-form-urlencoded');
    },
  );

  test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset=UTF-8'])(
    'content-type "%s" is JSON as well',
    async (contentType) => {
      const headers = { 'content-type': contentType };
      const response = await sendRaw(service.apiUrl, httpVersion, { path, headers, body });
      expect(response.status).toBe(200);
    },
  );

  test.each(['application/grpc+json', 'application/grpc-web+json'])(
    'content-type "%s" gets an answer, whether it is taken or not',
    async (contentType) => {
      const headers = { 'content-type': contentType, te: 'trailers' };
      const response = await sendRaw(service.apiUrl, httpVersion, { path, headers, body });
      expect([200, 415, 505]).toContain(response.status);
    },
  );

  test.each(['application/grpc-web-text', 'application/grpc-web-text+proto'])(
    'content-type "%s" is refused with the one to send instead',
    async (contentType) => {
      const headers = { 'content-type': contentType };
      const response = await sendRaw(service.apiUrl, httpVersion, { path, headers, body });
      // An answer of gRPC-Web: Google's library tells the page nothing of any other.
      expect(response.status).toBe(200);
      expect(response.headers).toMatchObject({
        'grpc-status': '12',
        'grpc-message': expect.stringContaining('send application/grpc-web+proto') as string,
      });
    },
  );
});
