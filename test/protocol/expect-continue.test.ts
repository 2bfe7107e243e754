import { once } from 'node:events';
import { request as http1Request } from 'node:http';
import { connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { servicePath } from '../support/clients/payment-client.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';

/* Callers that send the body once they are told to: curl does for larger ones. */

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0', CORS_ORIGINS: '*' });
});

afterAll(async () => {
  await service.app.stop();
});

const path = `${servicePath}/CreatePaymentIntent`;
const body = JSON.stringify(validCreate());

describe.each([
  ['fast path', { 'content-type': 'application/json' }],
  ['with a charset', { 'content-type': 'application/json; charset=utf-8' }],
  ['with an origin', { 'content-type': 'application/json', origin: 'http://a.test' }],
])('%s', (_kind, headers) => {
  test.each(['100-continue', '100-Continue'])(
    'HTTP/2, %s: told at once, then answered',
    async (expectation) => {
      const session = connect(service.apiUrl);
      onTestFinished(() => session.destroy());
      const stream = session.request({ ':method': 'POST', ':path': path, ...headers, expect: expectation });
      await once(stream, 'continue');
      stream.end(body);
      expect(await text(stream)).toContain('PAYMENT_STATUS_PENDING');
    },
  );

  test('HTTP/1.1: told at once, then answered', async () => {
    const outgoing = http1Request(`${service.apiUrl}${path}`, {
      method: 'POST',
      headers: { ...headers, expect: '100-continue', 'content-length': body.length },
    });
    outgoing.flushHeaders();
    await once(outgoing, 'continue');
    const answered = once(outgoing, 'response');
    outgoing.end(body);
    const [response] = await answered;
    expect(await text(response)).toContain('PAYMENT_STATUS_PENDING');
  });
});
