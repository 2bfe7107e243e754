import type { RandomSource } from '../../src/base/random.ts';
import { between, damage, pick } from './fuzz-random.ts';

const payments = '/payment.v1.PaymentService';
const createBody = JSON.stringify({
  reservation_id: 'seat-7',
  user_id: 'user-1',
  amount: { amount: '1000', currency: 'KRW' },
});
const envelope = Buffer.from('0000000000', 'hex');

interface Kind {
  readonly line: string;
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
}

const json = 'Content-Type: application/json';

/** Every way that a request can take on 8030: the lane, Connect's handlers, streams, and none. */
const apiKinds: readonly Kind[] = [
  { line: `POST ${payments}/CreatePaymentIntent`, headers: [json], body: createBody },
  { line: `POST ${payments}/GetPaymentStatus`, headers: [json], body: '{"payment_intent_id":"pay-none"}' },
  {
    line: `POST ${payments}/GetPaymentStatus`,
    headers: ['Content-Type: application/grpc-web+proto'],
    body: envelope,
  },
  {
    line: `POST ${payments}/CreatePaymentIntent`,
    headers: ['Content-Type: application/json; charset=utf-8'],
    body: createBody,
  },
  {
    line: `POST ${payments}/CreatePaymentIntent`,
    headers: [json, 'Origin: http://a.test'],
    body: createBody,
  },
  { line: `POST ${payments}/ProcessPayment`, headers: [json, 'Content-Encoding: gzip'], body: 'no gzip' },
  { line: `GET ${payments}/GetPaymentStatus?connect=v1&encoding=json&message=%7B%7D` },
  { line: `POST ${payments}/CreatePaymentIntent`, headers: [json], body: Buffer.alloc(100_000, 0x20) },
  { line: `POST ${payments}/CreatePaymentIntent`, headers: ['Content-Type: text/plain'], body: 'text' },
  { line: `PUT ${payments}/CreatePaymentIntent`, headers: [json], body: createBody },
  {
    line: 'POST /grpc.health.v1.Health/Watch',
    headers: ['Content-Type: application/grpc-web'],
    body: envelope,
  },
  {
    line: 'POST /grpc.health.v1.Health/Watch',
    headers: ['Content-Type: application/connect+json'],
    body: Buffer.concat([Buffer.from('0000000002', 'hex'), Buffer.from('{}')]),
  },
  {
    line: 'POST /grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    headers: ['Content-Type: application/grpc-web'],
    body: envelope,
  },
  { line: 'POST /unknown', headers: [json], body: createBody },
  { line: 'GET /healthz' },
  { line: 'GET /' },
  { line: 'OPTIONS /healthz', headers: ['Origin: http://a.test', 'Access-Control-Request-Method: POST'] },
  { line: 'CONNECT localhost:80' },
  {
    line: `GET ${payments}/GetPaymentStatus`,
    headers: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'],
  },
];

/** The same for 8031. */
const opsKinds: readonly Kind[] = [
  { line: 'GET /livez' },
  { line: 'GET /readyz' },
  { line: 'GET /health', headers: [json], body: '{}' },
  { line: 'GET /metrics' },
  { line: 'POST /livez', headers: [json], body: createBody },
  { line: 'POST /unknown', headers: ['Content-Type: text/plain'], body: Buffer.alloc(100_000, 0x20) },
  { line: 'HEAD /metrics' },
];

/** A pipeline of requests, any of which may be damaged or break off. */
export function http1Bytes(random: RandomSource, port: 'api' | 'ops'): Buffer {
  const requests = Array.from({ length: between(random, 1, 6) }, () =>
    damage(random, requestBytes(random, pick(random, port === 'api' ? apiKinds : opsKinds))),
  );
  const whole = Buffer.concat(requests);
  return random() < 0.5 ? whole : whole.subarray(0, between(random, 1, whole.length));
}

function requestBytes(random: RandomSource, { line, headers = [], body = '' }: Kind): Buffer {
  const bytes = Buffer.from(body);
  const isChunked = random() < 0.2;
  const announced = bytes.length + (random() < 0.1 ? between(random, 1, 100) : 0);
  const head = [
    `${line} HTTP/1.${random() < 0.05 ? 0 : 1}`,
    'Host: localhost',
    ...headers,
    ...(random() < 0.1 ? ['Connection: close'] : []),
    ...(random() < 0.1 ? ['Expect: 100-continue'] : []),
    ...(random() < 0.05 ? ['Connect-Timeout-Ms: 1'] : []),
    isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${announced}`,
    '\r\n',
  ].join('\r\n');
  const chunked = [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')];
  return Buffer.concat([Buffer.from(head), ...(isChunked && bytes.length > 0 ? chunked : [bytes])]);
}
