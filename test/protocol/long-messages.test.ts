import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { callGrpc, callGrpcOn, type GrpcCall } from '../support/clients/grpc-call.ts';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0' });
});

afterAll(() => service.app.stop());

const create = `${servicePath}/CreatePaymentIntent`;
const json = { 'content-type': 'application/grpc+json' };
const watch = '/grpc.health.v1.Health/Watch';

/** What grpc-java and gRPC's C core take of headers by default, in bytes. */
const maxHeaderBytes = 8_192;

function health(name: string): Buffer {
  return frame(Buffer.from(JSON.stringify({ service: name })), 0);
}

function unknownKey(key: string): string {
  return JSON.stringify({ [key]: 1 });
}

const proper = frame(encodeRequest('CreatePaymentIntent', validCreate()), 0);

const calls: readonly (readonly [string, GrpcCall])[] = [
  [
    'an unknown key of 19,000 Hangul',
    { path: create, headers: json, body: frame(Buffer.from(unknownKey('한'.repeat(19_000))), 0) },
  ],
  [
    'a health name of 20,000 letters',
    { path: '/grpc.health.v1.Health/Check', headers: json, body: health('x'.repeat(20_000)) },
  ],
  [
    'a health name of 20,000 emoji',
    { path: '/grpc.health.v1.Health/Check', headers: json, body: health('🎫'.repeat(10_000)) },
  ],
  [
    'an unknown key of a stream',
    { path: watch, headers: json, body: frame(Buffer.from(unknownKey('%'.repeat(19_000))), 0) },
  ],
  ['a path', { path: `/${'x'.repeat(10_000)}`, body: proper }],
  ['a compression', { path: create, headers: { 'grpc-encoding': 'x'.repeat(10_000) }, body: proper }],
  ['a timeout', { path: create, headers: { 'grpc-timeout': 'x'.repeat(10_000) }, body: proper }],
];

describe.each(calls)('a message with %s in it', (_what, call) => {
  test('is cut, and the connection goes on', async () => {
    const session = connect(service.apiUrl);
    onTestFinished(() => session.destroy());
    const answer = await callGrpcOn(session, call);
    expect(answer.status).toMatch(/^(3|5|12)$/);
    expect(answer.headerBytes).toBeLessThan(maxHeaderBytes);
    const message = decodeURIComponent(answer.escapedMessage);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1_024);
    expect(message).not.toContain('\ufffd');
    const next = await callGrpcOn(session, { path: create, body: proper });
    expect(next.status).toBe('0');
  });
});

test.each([
  ['an unknown key', create, 'application/json', unknownKey('한'.repeat(19_000)), 400],
  ['a content type', create, `text/${'x'.repeat(10_000)}`, '', 415],
  ['a path', `/${'x'.repeat(10_000)}`, 'application/json', '{}', 501],
])('over Connect, %s is not repeated at length', async (_what, path, contentType, body, status) => {
  for (const httpVersion of ['1.1', '2'] as const) {
    const headers = { 'content-type': contentType };
    const answer = await sendRaw(service.apiUrl, httpVersion, { path, headers, body: Buffer.from(body) });
    expect(answer.status).toBe(status);
    const { message } = JSON.parse(answer.body.toString()) as { message: string };
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1_024);
    expect(message).toContain('…');
  }
});

test('a log line does not repeat it at length either', async () => {
  await callGrpc(service.apiUrl, { path: `/${'y'.repeat(10_000)}`, body: proper });
  const line = service.logs('Call refused').find(({ path }) => String(path).startsWith('/yyy'));
  expect(JSON.stringify(line).length).toBeLessThan(2_000);
});
