import { gzipSync } from 'node:zlib';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { type Wire, wires } from '../support/clients/wires.ts';
import { validCreate } from './case-context.ts';
import {
  type Body,
  call,
  type Headers,
  isJson,
  type LaneRow,
  message,
  type Request,
  rowOf,
} from './lane-row.ts';

/** The servers take messages up to this size, in bytes. */
export const readMaxBytes = 1_024;

/** Payments that exist before the first row: one pending, one completed, one failed. */
export const existingPayments = { pending: 'pay-1', completed: 'pay-2', failed: 'pay-3' };

const create = call('CreatePaymentIntent', validCreate());
const { pending, completed, failed } = existingPayments;

const answered: readonly Request[] = [
  { name: 'create', outcome: 'OK', ...create },
  {
    name: 'create with everything',
    outcome: 'OK',
    ...call('CreatePaymentIntent', {
      ...validCreate({ scenario: 'PAYMENT_SCENARIO_RANDOM', webhook_url: 'http://127.0.0.1:9/hook' }),
      idempotency_key: 'key-1',
      simulation: { delay_ms: 5 },
    }),
  },
  {
    name: 'get, pending',
    outcome: 'OK',
    ...call('GetPaymentStatus', { payment_intent_id: pending, user_id: 'user-1' }),
  },
  {
    name: 'get, completed',
    outcome: 'OK',
    ...call('GetPaymentStatus', { payment_intent_id: completed }),
  },
  { name: 'get, failed', outcome: 'OK', ...call('GetPaymentStatus', { payment_intent_id: failed }) },
  { name: 'process', outcome: 'OK', ...call('ProcessPayment', { payment_intent_id: completed }) },
];

const refused: readonly Request[] = [
  { name: 'an empty request', outcome: 'INVALID_ARGUMENT', ...call('CreatePaymentIntent', {}) },
  {
    name: 'every field bad, beyond ASCII',
    outcome: 'INVALID_ARGUMENT',
    ...call('CreatePaymentIntent', {
      reservation_id: 'r'.repeat(129),
      user_id: '',
      amount: { amount: '-1', currency: '원 100%\n' },
      webhook_url: 'ftp://a:b@é',
      simulation: { delay_ms: -1 },
    }),
  },
  {
    name: 'no such payment',
    outcome: 'NOT_FOUND',
    ...call('GetPaymentStatus', { payment_intent_id: 'p-9' }),
  },
  {
    name: 'the payment of another',
    outcome: 'NOT_FOUND',
    ...call('GetPaymentStatus', { payment_intent_id: pending, user_id: 'user-2' }),
  },
  { name: 'no id to process', outcome: 'INVALID_ARGUMENT', ...call('ProcessPayment', {}) },
  {
    name: 'a key used for something else',
    outcome: 'ALREADY_EXISTS',
    ...call('CreatePaymentIntent', validCreate({ idempotency_key: 'key-1' })),
    headers: () => ({ 'idempotency-key': 'not this one' }),
  },
];

/** A proper create with these headers as well. */
function createWith(name: string, outcome: string, headers: (wire: Wire) => Headers): Request {
  return { name, outcome, ...create, headers };
}

/** The values of a deadline header: in gRPC, in Connect, and what comes of them. */
const deadlines: readonly (readonly [string, string, string])[] = [
  ['30S', '30000', 'OK'],
  ['1n', '0', 'DEADLINE_EXCEEDED'],
  ['0S', '0', 'DEADLINE_EXCEEDED'],
  ['1H', '3600000', 'OK'],
  ['3601S', '3600001', 'OK'],
  ['99999999H', '9999999999', 'OK'],
  ['999999999H', '99999999999', 'INVALID_ARGUMENT'],
  ['soon', 'soon', 'INVALID_ARGUMENT'],
  ['-5S', '-5', 'INVALID_ARGUMENT'],
  ['1.5S', '1.5', 'INVALID_ARGUMENT'],
  ['5', '5S', 'INVALID_ARGUMENT'],
  ['5S, 6S', '5, 6', 'INVALID_ARGUMENT'],
  ['', '', 'INVALID_ARGUMENT'],
];

const withHeaders: readonly Request[] = [
  ...deadlines.map(([grpc, connect, outcome]) =>
    createWith(`deadline "${grpc}" or "${connect}"`, outcome, (wire) => ({
      [wire.timeoutHeader]: wire.protocol === 'Connect' ? connect : grpc,
    })),
  ),
  { name: "the other protocols' deadlines", outcome: 'OK', ...create, headers: otherTimeout },
  ...['first', 'again'].map((time) =>
    createWith(`a key as metadata, ${time}`, 'OK', () => ({ 'idempotency-key': 'key-of-metadata' })),
  ),
  {
    name: 'trace, custom and binary metadata',
    outcome: 'OK',
    ...create,
    headers: () => ({
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'x-custom': 'a, b',
      'x-custom-bin': 'AAEC/w',
    }),
  },
  { name: 'a page elsewhere', outcome: 'OK', ...create, headers: () => ({ origin: 'https://shop.example' }) },
  {
    name: 'identity as the encoding',
    outcome: 'OK',
    ...create,
    headers: (wire) => ({ [wire.encodingHeader]: 'identity' }),
  },
  {
    name: 'an unknown encoding',
    outcome: 'UNIMPLEMENTED',
    ...create,
    headers: (wire) => ({ [wire.encodingHeader]: 'snappy' }),
  },
  {
    name: 'gzip',
    outcome: 'OK',
    headers: (wire) => ({ [wire.encodingHeader]: 'gzip' }),
    body: (wire) =>
      wire.envelope(gzipSync(message('CreatePaymentIntent', validCreate())(wire)), { compressed: true }),
  },
  ...['gzip', 'br, gzip;q=0.5', 'identity', '*', ''].map((accepted) =>
    createWith(`accepts "${accepted}"`, 'OK', (wire) => ({
      [wire.protocol === 'Connect' ? 'accept-encoding' : 'grpc-accept-encoding']: accepted,
    })),
  ),
];

function otherTimeout(wire: Wire): Headers {
  return wire.protocol === 'Connect' ? { 'grpc-timeout': 'soon' } : { 'connect-timeout-ms': 'soon' };
}

const misdirected: readonly Request[] = [
  { ...create, name: 'unknown method', outcome: 'UNIMPLEMENTED', path: `${servicePath}/Refund` },
  { ...create, name: 'unknown service', outcome: 'UNIMPLEMENTED', path: '/a.B/CreatePaymentIntent' },
  {
    ...create,
    name: 'path in capitals',
    outcome: 'UNIMPLEMENTED',
    path: `${servicePath}/CREATEPAYMENTINTENT`,
  },
  {
    ...create,
    name: 'path and a slash',
    outcome: 'UNIMPLEMENTED',
    path: `${servicePath}/CreatePaymentIntent/`,
  },
  { ...create, name: 'path and a query', outcome: 'OK', path: `${servicePath}/CreatePaymentIntent?a=b` },
  { ...create, name: 'PUT', outcome: 'HTTP 405', method: 'PUT' },
];

/** A create that is this long without its envelope. */
function createOfSize(bytes: number): Body {
  return (wire) => {
    const short = message('CreatePaymentIntent', validCreate())(wire);
    if (isJson(wire)) {
      return Buffer.concat([short, Buffer.alloc(bytes - short.length, ' ')]);
    }
    // An unknown field, number 100, with as many bytes as are wanting.
    const padding = bytes - short.length - 4;
    const head = Buffer.from([0xa2, 0x06, (padding & 0x7f) | 0x80, padding >> 7]);
    return Buffer.concat([short, head, Buffer.alloc(padding)]);
  };
}

const sizes: readonly Request[] = [
  { name: 'largest message', outcome: 'OK', body: (wire) => wire.envelope(createOfSize(readMaxBytes)(wire)) },
  ...[1, 4, 5, 6, 9_000].map((more) => ({
    name: `message too large by ${more}`,
    outcome: 'RESOURCE_EXHAUSTED',
    body: (wire: Wire) => wire.envelope(createOfSize(readMaxBytes + more)(wire)),
  })),
  {
    name: 'message of 1 MB',
    outcome: 'RESOURCE_EXHAUSTED',
    body: (wire) => wire.envelope(Buffer.alloc(1_000_000, ' ')),
  },
];

const noise =
  (...bytes: number[]): Body =>
  () =>
    Buffer.from(bytes);

const badProto: readonly (readonly [string, Body])[] = [
  ['a varint without end', () => Buffer.alloc(20, 0xff)],
  ['a text longer than the message', noise(0x0a, 0x7f, 0x61)],
  ['a group without end', noise(0x0b)],
  ['field number 0', noise(0x00, 0x01)],
  ['text that is not UTF-8', noise(0x0a, 0x02, 0xc0, 0xaf)],
];

const badJson = [
  ['nothing', ''],
  ['half an object', '{"user_id":"user-1"'],
  ['null', 'null'],
  ['a wrong type', '{"user_id":1}'],
  ['an unknown field', '{"user":"user-1"}'],
  ['a field in both spellings', '{"user_id":"user-1","userId":"user-2"}'],
  ['text that is not UTF-8', '{"user_id":"\xff"}'],
].map(([name, text]) => [name ?? '', () => Buffer.from(text ?? '', 'latin1')] as const);

function undecodable(wire: Wire): readonly Request[] {
  return (isJson(wire) ? badJson : badProto).map(([name, body]) => ({
    name,
    outcome: 'INVALID_ARGUMENT',
    body: () => wire.envelope(body(wire)),
  }));
}

function badFrames(wire: Wire): readonly Request[] {
  const whole = create.body(wire);
  const bodies: readonly (readonly [string, Buffer, string])[] = [
    ['no frame', Buffer.alloc(0), 'UNIMPLEMENTED'],
    ['half a head', whole.subarray(0, 3), 'INVALID_ARGUMENT'],
    ['a head alone', whole.subarray(0, 5), 'UNIMPLEMENTED'],
    ['half a message', whole.subarray(0, -7), 'INVALID_ARGUMENT'],
    ['a byte too many', Buffer.concat([whole, Buffer.from([0])]), 'INVALID_ARGUMENT'],
    ['a message and a head', Buffer.concat([whole, Buffer.from([0, 0, 0, 0, 1])]), 'OK'],
    ['two messages', Buffer.concat([whole, whole]), 'UNIMPLEMENTED'],
    ['a message and an empty one', Buffer.concat([whole, Buffer.alloc(5)]), 'UNIMPLEMENTED'],
    ['an empty message', Buffer.alloc(5), 'INVALID_ARGUMENT'],
    ['a head that claims 4 GB', Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]), 'RESOURCE_EXHAUSTED'],
    ['compressed, without a compression', frame(whole.subarray(5), 1), 'INTERNAL'],
  ];
  return bodies.map(([name, body, outcome]) => ({ name, outcome, body: () => body }));
}

/** All that goes by every wire. */
export const rows: readonly LaneRow[] = wires.flatMap((wire) =>
  [
    ...answered,
    ...refused,
    ...withHeaders,
    ...misdirected,
    ...sizes,
    ...undecodable(wire),
    ...(wire.protocol === 'Connect' ? [] : badFrames(wire)),
  ].map((request) => rowOf(wire, request)),
);

/** What Connect takes; a parameter only beside JSON. */
const understood = /^application\/((grpc|grpc-web)(\+proto)?(;.*)?|proto|json|json; .*)$/i;

/** Spellings of the content type, most of which the lane leaves to Connect. */
export const contentTypeRows: readonly LaneRow[] = wires.flatMap((wire) =>
  contentTypesOf(wire).map((contentType) =>
    rowOf(wire, {
      ...create,
      name: contentType,
      outcome: understood.test(contentType) ? 'OK' : 'HTTP 415',
      headers: () => ({ 'content-type': contentType }),
    }),
  ),
);

function contentTypesOf({ protocol, contentType }: Wire): readonly string[] {
  if (protocol !== 'Connect') {
    const bare = protocol === 'gRPC' ? 'application/grpc' : 'application/grpc-web';
    return [
      bare,
      `${bare}+proto`,
      `${bare}+proto; a=b`,
      `${bare};charset=utf-8`,
      bare.toUpperCase(),
      `${bare}+thrift`,
    ];
  }
  return [`${contentType}; charset=utf-8`, contentType.toUpperCase(), ''];
}
