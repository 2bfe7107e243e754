import { Client, credentials, status as grpcCodes } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { callGrpc, type GrpcAnswer } from '../support/clients/grpc-call.ts';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { createGrpcSteeringClient, type SteeringClient } from '../support/clients/steering-client.ts';
import { freePort } from '../support/free-port.ts';
import { startService } from '../support/start-service.ts';
import { closing, idOf, intent } from '../support/steering.ts';
import { startServiceProcess } from '../system/service-process.ts';
import { startCountingProxy } from './nginx/counting-proxy.ts';
import { missingNginx, startNginx } from './nginx/start-nginx.ts';
import { startSteadyCalls } from './nginx/steady-calls.ts';

/* What callers by @grpc/grpc-js see of the service behind nginx's `grpc_pass`. */

const quickStop = { SHUTDOWN_GRACE_MS: '0' };
/** The default of READ_MAX_BYTES. */
const maxBytes = 65_536;
const callers = 8;
const unknown = `${servicePath}/Refund`;
const create = `${servicePath}/CreatePaymentIntent`;

async function startBehindNginx(env: Readonly<Record<string, string>> = {}) {
  const service = await startService({ ...quickStop, ...env });
  const nginx = await startNginx(service.apiPort);
  const client = closing(createGrpcSteeringClient(nginx.url));
  return { service, nginx, client, call: client.call };
}

if (missingNginx !== undefined) {
  console.warn(`The tests with nginx are skipped: ${missingNginx}`);
}

test.skipIf(missingNginx !== undefined && process.env['CI'] !== 'true')(
  'there is an nginx, always in CI',
  () => {
    expect(missingNginx).toBeUndefined();
  },
);

describe.skipIf(missingNginx !== undefined)('behind nginx (needs nginx)', () => {
  test('a payment is made, and read until it has settled', async () => {
    const { call } = await startBehindNginx();
    for (const [scenario, status] of [
      ['PAYMENT_SCENARIO_APPROVE', 'PAYMENT_STATUS_COMPLETED'],
      ['PAYMENT_SCENARIO_FAIL', 'PAYMENT_STATUS_FAILED'],
    ]) {
      const created = await call('CreatePaymentIntent', intent({ scenario, simulation: { delay_ms: 1 } }));
      expect(created).toMatchObject({ code: 'OK', message: { status: 'PAYMENT_STATUS_PENDING' } });
      const read = () => call('GetPaymentStatus', { payment_intent_id: idOf(created.message) });
      await expect
        .poll(read, { timeout: 10_000 })
        .toMatchObject({ code: 'OK', message: { payment: { status } } });
    }
  });

  test('a refusal names its fields', async () => {
    const { call } = await startBehindNginx();
    const { code, violations } = await call('CreatePaymentIntent', { reservation_id: 'reservation-1' });
    expect([code, ...violations.map(({ field }) => field)]).toEqual([
      'INVALID_ARGUMENT',
      'user_id',
      'amount',
    ]);
  });

  test('a refusal arrives with details of any length', async () => {
    const { service, nginx, call } = await startBehindNginx();
    const names = Array.from({ length: 6 }, (_, index) => `${index}${'한'.repeat(50)}`);
    const request = { metadata: { tags: Object.fromEntries(names.map((name) => [name, 'x'.repeat(513)])) } };
    const body = frame(encodeRequest('CreatePaymentIntent', request), 0);
    // Not far from the longest that the service sends: with more it leaves the details out.
    const direct = await callGrpc(service.apiUrl, { path: create, body });
    expect(direct.headerBytes).toBeGreaterThan(6_000);
    const behind = await callGrpc(nginx.url, { path: create, body });
    expect(statusOf(behind)).toEqual(statusOf(direct));
    const { code, violations } = await call('CreatePaymentIntent', request);
    expect([code, violations.length]).toEqual(['INVALID_ARGUMENT', 3 + names.length]);
  });

  test('a method that the service does not have is UNIMPLEMENTED, told by headers alone', async () => {
    const { nginx } = await startBehindNginx();
    const answer = await callGrpc(nginx.url, { path: unknown });
    expect(answer).toMatchObject({ status: '12', isTrailersOnly: true });
    expect(answer.headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc' });
    expect(await callUnknown(nginx.url)).toEqual([
      'UNIMPLEMENTED',
      `POST ${unknown} is not implemented here`,
    ]);
  });

  test.each([
    [60_000, 'INVALID_ARGUMENT', 'webhook_url: must be at most 2048 characters long, not 60000'],
    [maxBytes, 'RESOURCE_EXHAUSTED', /^message size 65\d{3} is larger than configured readMaxBytes 65536$/],
    // More than flow control lets through unread.
    [3_000_000, 'RESOURCE_EXHAUSTED', /^message size 3\d{6} is larger than configured readMaxBytes 65536$/],
  ])('a body of %i bytes gets the answer of the service', async (bytes, code, text) => {
    const { call } = await startBehindNginx();
    const answer = await call('CreatePaymentIntent', intent({ webhook_url: 'x'.repeat(bytes) }));
    expect(answer).toMatchObject({ code, text: expect.stringMatching(text) as string });
    expect(await call('CreatePaymentIntent', intent())).toMatchObject({ code: 'OK' });
  });

  test('a body may be as long as the service is told to take', async () => {
    // Above what nginx takes by default.
    const { call } = await startBehindNginx({ READ_MAX_BYTES: '4194304' });
    const answer = await call('CreatePaymentIntent', intent({ webhook_url: 'x'.repeat(3_000_000) }));
    const text = 'webhook_url: must be at most 2048 characters long, not 3000000';
    expect(answer).toMatchObject({ code: 'INVALID_ARGUMENT', text });
  });

  test('a deadline reaches the service', async () => {
    const { nginx } = await startBehindNginx();
    // As bytes: a library would end the call by itself.
    const answer = await callGrpc(nginx.url, {
      path: create,
      headers: { 'payment-sim-behavior': '{"api": {"delay_ms": 20000}}', 'grpc-timeout': '300m' },
      body: frame(encodeRequest('CreatePaymentIntent', intent()), 0),
    });
    expect(answer.status).toBe('4');
  });

  test('many calls share few connections to the service', async () => {
    const service = await startService(quickStop);
    const proxy = await startCountingProxy(service.apiPort);
    const nginx = await startNginx(proxy.port);
    const calls = startSteadyCalls(closing(createGrpcSteeringClient(nginx.url)), callers);
    await calls.more(500);
    await calls.stop();
    expect([...calls.codes.keys()]).toEqual(['OK']);
    expect(proxy.taken()).toBeGreaterThan(0);
    expect(proxy.taken()).toBeLessThanOrEqual(callers);
  });

  test('a reload fails no call other than with UNAVAILABLE', async () => {
    const { nginx, client } = await startBehindNginx();
    const calls = startSteadyCalls(client, callers);
    for (let reloads = 0; reloads < 3; reloads += 1) {
      await calls.more(50);
      await nginx.reload();
    }
    await calls.more(50);
    await calls.stop();
    expect(without(calls.codes, 'OK', 'UNAVAILABLE')).toEqual([]);
    await checkAllSucceed(client);
  });

  test.each([
    ['SIGTERM', 'UNAVAILABLE'],
    // An answer may be cut off of which nginx has passed on the headers; it then resets the caller's stream.
    ['SIGKILL', 'UNAVAILABLE', 'INTERNAL'],
  ] as const)(
    'the service ends by %s and starts again: calls fail with %s, and then succeed',
    async (signal, ...failures) => {
      const env = { GRPC_PORT: String(await freePort()), DEFAULT_DELAY_MS: '1' };
      const first = startServiceProcess(env);
      const { apiPort } = await first.ready;
      const nginx = await startNginx(apiPort);
      const client = closing(createGrpcSteeringClient(nginx.url));
      const calls = startSteadyCalls(client, callers);
      await calls.more(50);
      first.signal(signal);
      await first.ended;
      await startServiceProcess(env).ready;
      await calls.more(50);
      await calls.stop();
      expect(calls.codes.get('UNAVAILABLE')).toBeGreaterThan(0);
      expect(without(calls.codes, 'OK', ...failures)).toEqual([]);
      await checkAllSucceed(client);
    },
  );
});

function statusOf({ status, escapedMessage, headers }: GrpcAnswer) {
  return { status, escapedMessage, details: headers['grpc-status-details-bin'] };
}

function without(codes: ReadonlyMap<string, number>, ...expected: readonly string[]) {
  return [...codes.keys()].filter((code) => !expected.includes(code));
}

async function checkAllSucceed(client: SteeringClient): Promise<void> {
  const calls = startSteadyCalls(client, callers);
  await calls.more(100);
  await calls.stop();
  expect([...calls.codes.keys()]).toEqual(['OK']);
}

function sameBytes(bytes: Buffer): Buffer {
  return bytes;
}

/** @returns the code and the text with which a method ends by @grpc/grpc-js that is in no proto file. */
async function callUnknown(url: string): Promise<readonly [code: string | undefined, text: string]> {
  const client = closing(new Client(new URL(url).host, credentials.createInsecure()));
  return await new Promise((resolve) => {
    client.makeUnaryRequest(unknown, sameBytes, sameBytes, Buffer.alloc(0), (error) =>
      resolve([error === null ? 'OK' : grpcCodes[error.code], error?.details ?? '']),
    );
  });
}
