import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Method, servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { type RawRequest, type RawResponse, sendRaw } from '../support/clients/raw-http.ts';
import { type Wire, type WireStatus, wires } from '../support/clients/wires.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';
import { expectUnharmed } from './unharmed.ts';

let service: RunningService;

beforeAll(async () => {
  // Above the 100 KB that 100 MB of zeros are when compressed, so that the bomb itself is let in.
  service = await launchService({ READ_MAX_BYTES: '200000', SHUTDOWN_GRACE_MS: '0' });
});

afterAll(async () => {
  await service.app.stop();
});

beforeEach(() => () => expectUnharmed(service));

const grpcWires = wires.filter((wire) => wire.protocol !== 'Connect');
const jsonWires = wires.filter((wire) => wire.contentType === 'application/json');
const protoWires = wires.filter((wire) => wire.contentType !== 'application/json');

function send(wire: Wire, request: Partial<RawRequest> & { rpc?: Method }): Promise<RawResponse> {
  const { rpc = 'CreatePaymentIntent', ...rest } = request;
  return sendRaw(service.apiUrl, wire.httpVersion, {
    path: `${servicePath}/${rpc}`,
    ...rest,
    headers: {
      'content-type': wire.contentType,
      ...(wire.protocol === 'gRPC' ? { te: 'trailers' } : {}),
      ...request.headers,
    },
  });
}

/** The bytes of a proper CreatePaymentIntent, without what the protocol has around them. */
function properMessage(wire: Wire): Buffer {
  return wire.contentType === 'application/json'
    ? Buffer.from(JSON.stringify(validCreate()))
    : encodeRequest('CreatePaymentIntent', validCreate());
}

/** A message whose reservation_id holds these bytes instead of text. */
function messageWithText(wire: Wire, text: Buffer): Buffer {
  const marker = Buffer.from('#'.repeat(text.length));
  const message =
    wire.contentType === 'application/json'
      ? Buffer.from(JSON.stringify(validCreate({ reservation_id: marker.toString() })))
      : encodeRequest('CreatePaymentIntent', validCreate({ reservation_id: marker.toString() }));
  text.copy(message, message.indexOf(marker));
  return message;
}

/**
 * The caller sent what cannot be decoded and is told so. gRPC's list of codes has INTERNAL for that,
 * Connect's implementations have INVALID_ARGUMENT as well.
 */
function expectUnreadable(status: WireStatus): void {
  expect(['INVALID_ARGUMENT', 'INTERNAL']).toContain(status.code);
  // That would be a defect of the service.
  expect(status.message).not.toBe('internal error');
  expect(status.message).not.toBe('');
}

describe.each(wires)('$name', (wire) => {
  test('a proper call succeeds, so that what follows fails for its own reason', async () => {
    const response = await send(wire, { body: wire.envelope(properMessage(wire)) });
    expect(wire.readStatus(response).code).toBe('OK');
  });

  test.each([
    ['method', `${servicePath}/Refund`],
    ['service', '/payment.v2.PaymentService/CreatePaymentIntent'],
    ['path', '/'],
    ['path that is no path of a call', '/..%2f..%2f%00'],
  ])('an unknown %s is UNIMPLEMENTED', async (_kind, path) => {
    const response = await send(wire, { path, body: wire.envelope(properMessage(wire)) });
    expect(wire.readStatus(response).code).toBe('UNIMPLEMENTED');
    // Connect's table of codes has 501; proxies and people would also understand 404.
    expect(wire.protocol === 'Connect' ? [404, 501] : [200]).toContain(response.status);
  });

  test('a body of 10 MB is RESOURCE_EXHAUSTED', async () => {
    const response = await send(wire, { body: wire.envelope(Buffer.alloc(10 * 1024 * 1024, 0x20)) });
    expect(wire.readStatus(response).code).toBe('RESOURCE_EXHAUSTED');
  });

  test('gzip is read', async () => {
    const response = await send(wire, {
      headers: { [wire.encodingHeader]: 'gzip' },
      body: wire.envelope(gzipSync(properMessage(wire)), { compressed: true }),
    });
    expect(wire.readStatus(response).code).toBe('OK');
  });

  test('gzip that would become 100 MB is RESOURCE_EXHAUSTED', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(200_000);
    const response = await send(wire, {
      headers: { [wire.encodingHeader]: 'gzip' },
      body: wire.envelope(bomb, { compressed: true }),
    });
    expect(wire.readStatus(response).code).toBe('RESOURCE_EXHAUSTED');
  });

  test.each([
    ['is none', Buffer.from('this is no gzip')],
    ['breaks off', gzipSync(Buffer.alloc(1000, 'x')).subarray(0, 20)],
  ])('gzip that %s is the fault of the caller', async (_kind, body) => {
    const response = await send(wire, {
      headers: { [wire.encodingHeader]: 'gzip' },
      body: wire.envelope(body, { compressed: true }),
    });
    expectUnreadable(wire.readStatus(response));
  });

  test('a compression that the server does not have is UNIMPLEMENTED', async () => {
    const response = await send(wire, {
      headers: { [wire.encodingHeader]: 'snappy' },
      body: wire.envelope(properMessage(wire), { compressed: true }),
    });
    expect(wire.readStatus(response).code).toBe('UNIMPLEMENTED');
  });

  test('a message of noise is refused', async () => {
    const noise = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x80, 0x00]);
    const response = await send(wire, { body: wire.envelope(noise) });
    expectUnreadable(wire.readStatus(response));
  });

  test.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a character that breaks off', [0xf0, 0x9f, 0x8e]],
  ])('text that is not UTF-8 is refused: %s', async (_kind, bytes) => {
    const message = messageWithText(wire, Buffer.from(bytes));
    const response = await send(wire, { body: wire.envelope(message) });
    expectUnreadable(wire.readStatus(response));
  });

  test.each(['soon', '-5', '', '1.5', '99999999999'])(
    'the timeout "%s" is INVALID_ARGUMENT',
    async (value) => {
      const response = await send(wire, {
        headers: { [wire.timeoutHeader]: value },
        body: wire.envelope(properMessage(wire)),
      });
      expect(wire.readStatus(response).code).toBe('INVALID_ARGUMENT');
    },
  );

  test('the longest timeout that may be written does not end the call at once', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning.name);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const response = await send(wire, {
      headers: { [wire.timeoutHeader]: wire.protocol === 'Connect' ? '9999999999' : '99999999H' },
      body: wire.envelope(properMessage(wire)),
    });
    // Above the server's limit: refused with a reason, or cut down to it.
    expect(['OK', 'INVALID_ARGUMENT']).toContain(wire.readStatus(response).code);
    // A timer that overflows fires at once, and Node warns on standard error.
    expect(warnings).toEqual([]);
  });

  test.each(['PUT', 'DELETE', 'PATCH'])('%s is refused', async (method) => {
    const response = await send(wire, { method, body: wire.envelope(properMessage(wire)) });
    expect([404, 405]).toContain(response.status);
  });
});

describe.each(grpcWires)('frames of $name', (wire) => {
  const whole = wire.envelope(encodeRequest('CreatePaymentIntent', validCreate()));

  test.each([
    ['no frame', Buffer.alloc(0)],
    ['half a head', whole.subarray(0, 3)],
    ['a head alone', whole.subarray(0, 5)],
    ['half a message', whole.subarray(0, whole.length - 7)],
    ['a message and half a head', Buffer.concat([whole, Buffer.from([0, 0])])],
    ['two messages', Buffer.concat([whole, whole])],
    ['a compressed message without a compression', Buffer.from([1, 0, 0, 0, 1, 0])],
    ['unknown flags', Buffer.concat([Buffer.from([0x7e]), whole.subarray(1)])],
  ])('%s is an error of the caller', async (_kind, body) => {
    const status = wire.readStatus(await send(wire, { body }));
    expect(['INVALID_ARGUMENT', 'UNIMPLEMENTED', 'INTERNAL']).toContain(status.code);
    expect(status.message).not.toBe('');
    expect(status.message).not.toBe('internal error');
  });

  test('a frame that claims 4 GB is RESOURCE_EXHAUSTED', async () => {
    const body = Buffer.concat([Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(100)]);
    expect(wire.readStatus(await send(wire, { body })).code).toBe('RESOURCE_EXHAUSTED');
  });
});

describe.each(protoWires)('messages of $name', (wire) => {
  test.each([
    ['a varint without end', Buffer.alloc(20, 0xff)],
    ['a text longer than the message', Buffer.from([0x0a, 0x7f, 0x61])],
    ['a group without end', Buffer.from([0x0b])],
    ['field number 0', Buffer.from([0x00, 0x01])],
    ['groups within groups', Buffer.alloc(60_000, 0x0b)],
  ])('%s is refused', async (_kind, message) => {
    const response = await send(wire, { body: wire.envelope(message) });
    expectUnreadable(wire.readStatus(response));
  });
});

describe.each(jsonWires)('messages of $name', (wire) => {
  test.each([
    ['nothing', ''],
    ['half an object', '{"user_id":"user-1"'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a number', '1'],
    ['a wrong type', '{"user_id":1}'],
    ['a fraction of money', '{"amount":{"amount":1.5,"currency":"KRW"}}'],
    ['a number beyond int64', '{"amount":{"amount":"9223372036854775808","currency":"KRW"}}'],
    ['a field that does not exist', '{"user":"user-1"}'],
    ['a scenario that does not exist', '{"scenario":"PAYMENT_SCENARIO_REFUND"}'],
    ['a field in both spellings', '{"user_id":"user-1","userId":"user-2"}'],
    ['lists within lists', '['.repeat(100_000)],
    ['objects within objects', '{"amount":'.repeat(10_000)],
    ['the prototype', '{"__proto__":{"user_id":"user-1"}}'],
  ])('%s is INVALID_ARGUMENT', async (_kind, json) => {
    const response = await send(wire, { body: Buffer.from(json) });
    expect(response.status).toBe(400);
    expect(wire.readStatus(response).code).toBe('INVALID_ARGUMENT');
  });
});
