import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { type RawRequest, sendRaw } from '../support/clients/raw-http.ts';
import { type Wire, wires } from '../support/clients/wires.ts';
import { launchService, type RunningService } from '../support/start-service.ts';

/* What is refused before an interceptor sees it leaves the same three traces as any other refused call. */

interface UnseenCall {
  readonly name: string;
  readonly code: string;
  /** `other` for what is of no method. */
  readonly method?: string;
  readonly request: (wire: Wire) => Partial<RawRequest>;
}

const isJson = (wire: Wire) => wire.contentType === 'application/json';
const noise = Buffer.alloc(20, 0xff);
const empty = (wire: Wire) => Buffer.from(isJson(wire) ? '{}' : '');

const unseen: readonly UnseenCall[] = [
  {
    name: 'what cannot be decoded',
    code: 'InvalidArgument',
    request: (wire) => ({ body: wire.envelope(isJson(wire) ? Buffer.from('{"user_id":"u') : noise) }),
  },
  {
    name: 'what cannot be decoded, sent with gzip',
    code: 'InvalidArgument',
    request: (wire) => ({
      headers: { [wire.encodingHeader]: 'gzip' },
      body: wire.envelope(gzipSync(noise), { compressed: true }),
    }),
  },
  {
    name: 'what is too large',
    code: 'ResourceExhausted',
    request: (wire) => ({ body: wire.envelope(Buffer.alloc(5_000, ' ')) }),
  },
  {
    name: 'an unknown compression',
    code: 'Unimplemented',
    request: (wire) => ({ headers: { [wire.encodingHeader]: 'snappy' }, body: wire.envelope(empty(wire)) }),
  },
  {
    name: 'a deadline that is none',
    code: 'InvalidArgument',
    request: (wire) => ({ headers: { [wire.timeoutHeader]: 'soon' }, body: wire.envelope(empty(wire)) }),
  },
  {
    name: 'an unknown method',
    code: 'Unimplemented',
    method: 'other',
    request: (wire) => ({ path: `${servicePath}/Refund`, body: wire.envelope(empty(wire)) }),
  },
  {
    name: 'a content type that is not taken',
    code: 'InvalidArgument',
    request: () => ({ headers: { 'content-type': 'text/plain' }, body: Buffer.from('{}') }),
  },
  {
    name: 'an HTTP method that is not taken',
    code: 'InvalidArgument',
    request: (wire) => ({ method: 'PUT', body: wire.envelope(empty(wire)) }),
  },
];

const jsonOnly: readonly UnseenCall[] = [
  '{"user":"u"}',
  '{"scenario":"FAIL"}',
  '{"user_id":1}',
  'null',
  '',
].map((text) => ({
  name: `JSON: ${text}`,
  code: 'InvalidArgument',
  request: () => ({ body: Buffer.from(text) }),
}));

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ READ_MAX_BYTES: '1024', SHUTDOWN_GRACE_MS: '0' });
});

afterAll(() => service.app.stop());

async function count(kind: 'started' | 'handled', method: string, code = ''): Promise<number> {
  const name = method === 'other' ? 'other' : 'payment.v1.PaymentService';
  const labels = `grpc_type="unary",grpc_service="${name}",grpc_method="${method}"${code}`;
  return (await service.metric(`grpc_server_${kind}_total{${labels}}`)) ?? 0;
}

describe.each(wires)('$name', (wire) => {
  const rows = isJson(wire) ? [...unseen, ...jsonOnly] : unseen;

  test.each(rows)('$name is counted, logged and answered with a request id', async (row) => {
    const { name, code, method = 'CreatePaymentIntent', request } = row;
    const { headers, ...rest } = request(wire);
    const started = await count('started', method);
    const handled = await count('handled', method, `,grpc_code="${code}"`);
    const answer = await sendRaw(service.apiUrl, wire.httpVersion, {
      path: `${servicePath}/CreatePaymentIntent`,
      ...rest,
      headers: { 'content-type': wire.contentType, ...headers },
    });
    expect(await count('started', method), name).toBe(started + 1);
    expect(await count('handled', method, `,grpc_code="${code}"`), name).toBe(handled + 1);

    const all = { ...answer.headers, ...answer.trailers };
    const inBody = /x-request-id: (\S+)/.exec(answer.body.toString('latin1'))?.[1];
    const requestId = all['x-request-id'] ?? inBody;
    expect(requestId).toMatch(/^req-[0-9a-f-]{36}$/);
    const lines = service.logs().filter((line) => line['request_id'] === requestId);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        msg: 'Call refused',
        grpc_service: method === 'other' ? 'other' : 'payment.v1.PaymentService',
        grpc_method: method,
        grpc_code: code,
        error: expect.stringMatching(/\S/) as string,
      }),
    ]);
  });
});

test("the caller's request id and trace are in line and answer, in the lane and beside it", async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  for (const extra of [{}, { origin: 'https://shop.example' }]) {
    const answer = await sendRaw(service.apiUrl, '1.1', {
      path: `${servicePath}/CreatePaymentIntent`,
      headers: { 'content-type': 'application/json', 'x-request-id': 'order-7', traceparent, ...extra },
      body: Buffer.from('{'),
    });
    expect(answer.headers['x-request-id']).toBe('order-7');
  }
  const lines = service.logs().filter((line) => line['request_id'] === 'order-7');
  expect(lines.map((line) => line['trace_id'])).toEqual(Array(2).fill('0af7651916cd43dd8448eb211c80319c'));
});

test('what callers make up becomes no label value', async () => {
  const read = async () => {
    const text = await (await fetch(`${service.opsUrl}/metrics`)).text();
    return text.split('\n').filter((line) => line.startsWith('grpc_server_'));
  };
  await sendRaw(service.apiUrl, '2', { path: '/a.B/Made' });
  const series = (await read()).length;
  for (let i = 0; i < 50; i += 1) {
    await sendRaw(service.apiUrl, '2', {
      path: `/a.B/Made${i}`,
      headers: { 'content-type': 'application/grpc' },
    });
  }
  const lines = await read();
  expect(lines.join()).not.toContain('Made');
  expect(lines).toHaveLength(series);
  expect(service.logs('Call refused').some(({ path }) => path === '/a.B/Made7')).toBe(true);
});

test("gRPC's own names are no line at info", async () => {
  const path = '/grpc.channelz.v1.Channelz/GetServers';
  const headers = { 'content-type': 'application/grpc' };
  await sendRaw(service.apiUrl, '2', { path, headers, body: frame(Buffer.alloc(0), 0) });
  const lines = service.logs('Call refused').filter((line) => line['path'] === path);
  expect(lines.map(({ level }) => level)).toEqual(['debug']);
});

test('a message that is flagged as compressed, without a compression, is no defect', async () => {
  await sendRaw(service.apiUrl, '2', {
    path: `${servicePath}/CreatePaymentIntent`,
    headers: { 'content-type': 'application/grpc' },
    body: frame(encodeRequest('CreatePaymentIntent', {}), 1),
  });
  expect(service.logs('Call failed')).toEqual([]);
});
