import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { setGrpcStatus } from '../../src/server/transport/grpc-status.ts';
import { startService } from '../support/start-service.ts';

async function call(apiUrl: string, contentType: string, json: string) {
  const session = connect(apiUrl);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/payment.v1.PaymentService/CreatePaymentIntent',
    'content-type': contentType,
  });
  const head = Buffer.alloc(contentType === 'application/json' ? 0 : 5);
  if (head.length > 0) {
    head.writeUInt32BE(json.length, 1);
  }
  stream.end(Buffer.concat([head, Buffer.from(json)]));
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  let trailers: IncomingHttpHeaders = {};
  // An error without a message is told by the headers alone.
  stream.on('response', (received) => (trailers = received));
  stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = { ...trailers, ...received }));
  await once(stream, 'close');
  session.close();
  return `${JSON.stringify(trailers)} ${text}`;
}

const types = ['application/json', 'application/grpc+json', 'application/grpc-web+json'];

test.each(types)('half a character in a name or a value is an invalid argument: %s', async (contentType) => {
  const { apiUrl } = await startService({ SHUTDOWN_GRACE_MS: '0' });
  for (const json of [
    '{"\\ud800":1}',
    '{"reservation_id":"\\uDC00x"}',
    '{"amount":{"currency":"K\\ud83d"}}',
  ]) {
    expect(await call(apiUrl, contentType, json)).toMatch(
      /must be Unicode.*(grpc-status":"3"|grpc-status: 3)|grpc-status":"3".*must be Unicode|"invalid_argument".*must be Unicode/s,
    );
  }
});

test('whole characters may be written as escapes, and an escaped backslash is none', async () => {
  const { apiUrl } = await startService({ SHUTDOWN_GRACE_MS: '0' });
  for (const id of ['\\ud83d\\ude00', '\\\\ud800', '\\u00e9']) {
    const json = `{"idempotency_key":"${id}","reservation_id":"r","user_id":"u","amount":{"amount":1,"currency":"KRW"}}`;
    expect(await call(apiUrl, 'application/json', json)).toContain('"payment_intent_id"');
  }
});

test('a gRPC status can be written whatever its message is', () => {
  const error = new ConnectError('bad \ud800 text', Code.InvalidArgument);
  const headers = setGrpcStatus(new Headers(), error);
  expect(headers.get('grpc-status')).toBe('3');
  expect(decodeURIComponent(headers.get('grpc-message') ?? '')).toBe('bad \ufffd text');
});
