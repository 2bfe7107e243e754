import type { RandomSource } from '../../src/base/random.ts';
import { emptySettings, frameTypes, http2Frame, preface } from '../support/clients/http2-frames.ts';
import { between, damage, pick } from './fuzz-random.ts';

const payments = '/payment.v1.PaymentService';
const body = Buffer.from('0000000000', 'hex');

/** Method, path and content type of requests to the lane, to Connect's handlers, to streams, and to none. */
const kinds: readonly (readonly [method: string, path: string, contentType: string])[] = [
  ['POST', `${payments}/GetPaymentStatus`, 'application/grpc'],
  ['POST', `${payments}/CreatePaymentIntent`, 'application/grpc+proto'],
  ['POST', `${payments}/CreatePaymentIntent`, 'application/json'],
  ['POST', `${payments}/CreatePaymentIntent`, 'application/grpc-web'],
  ['POST', `${payments}/CreatePaymentIntent`, 'application/grpc+json'],
  ['POST', `${payments}/CreatePaymentIntent`, 'application/json; charset=utf-8'],
  ['POST', `${payments}/CreatePaymentIntent`, 'text/plain'],
  ['GET', `${payments}/GetPaymentStatus?connect=v1&encoding=json&message=%7B%7D`, ''],
  ['POST', '/grpc.health.v1.Health/Watch', 'application/grpc'],
  ['POST', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', 'application/grpc'],
  ['POST', '/unknown', 'application/grpc'],
  ['GET', '/healthz', ''],
  ['CONNECT', '/', ''],
];

const endStream = 0x01;
const endHeaders = 0x04;

/** HPACK of a header by name and value, without indexes or Huffman codes. */
function hpack(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), hpackText(name), hpackText(value)]);
}

function hpackText(value: string): Buffer {
  const bytes = Buffer.from(value);
  const rest = bytes.length - 127;
  return Buffer.concat([Buffer.from(rest < 0 ? [bytes.length] : [127, rest]), bytes]);
}

function openStream(random: RandomSource, streamId: number): Buffer {
  const [method, path, contentType] = pick(random, kinds);
  const block = Buffer.concat([
    hpack(':method', method),
    hpack(':scheme', 'http'),
    hpack(':path', path),
    hpack(':authority', random() < 0.05 ? ':8030' : 'localhost'),
    ...(contentType === '' ? [] : [hpack('content-type', contentType)]),
    ...(random() < 0.1 ? [hpack('expect', '100-continue')] : []),
    ...(random() < 0.1 ? [hpack('grpc-timeout', '1m')] : []),
    ...(random() < 0.1 ? [hpack('origin', 'http://a.test')] : []),
  ]);
  const flags = (random() < 0.2 ? endStream : 0) | (random() < 0.95 ? endHeaders : 0);
  return http2Frame(frameTypes.headers, flags, streamId, block);
}

function data(random: RandomSource, streamId: number): Buffer {
  const payload = pick(random, [body, body, body.subarray(0, 3), Buffer.alloc(between(random, 0, 16_384))]);
  return http2Frame(frameTypes.data, random() < 0.5 ? endStream : 0, streamId, payload);
}

/** A number of four bytes. */
function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A frame, mostly one that belongs to some stream that is open. */
function frame(random: RandomSource, streamIds: number[]): Buffer {
  const draw = random();
  if (draw < 0.35 || streamIds.length === 0) {
    streamIds.push(2 * streamIds.length + 1);
    return openStream(random, streamIds.at(-1) ?? 1);
  }
  const streamId = pick(random, streamIds);
  if (draw < 0.75) {
    return data(random, streamId);
  }
  return pick(random, [
    () => http2Frame(frameTypes.rstStream, 0, streamId, word(between(random, 0, 14))),
    () => http2Frame(frameTypes.rstStream, 0, streamId, word(8)),
    () => http2Frame(8, 0, pick(random, [0, streamId]), word(between(random, 0, 65_535))),
    () => http2Frame(frameTypes.ping, 0, 0, Buffer.alloc(8)),
    () => http2Frame(frameTypes.settings, 0, 0, Buffer.from('000400000001', 'hex')),
    () => http2Frame(frameTypes.settings, 0, 0, Buffer.from('000400010000', 'hex')),
    () => http2Frame(frameTypes.goaway, 0, 0, Buffer.alloc(8)),
    () => http2Frame(frameTypes.continuation, endHeaders, streamId, Buffer.alloc(0)),
    () => http2Frame(between(random, 2, 255), between(random, 0, 255), streamId, Buffer.alloc(5)),
  ])();
}

/** Any frame at all: of a type that there is or not, with flags, stream, length and payload by chance. */
function anyFrame(random: RandomSource): Buffer {
  const payload = Buffer.from(Array.from({ length: between(random, 0, 40) }, () => between(random, 0, 255)));
  const streamId = pick(random, [0, 1, 3, 5, 7, 2, between(random, 0, 0x7fff_ffff)]);
  const bytes = http2Frame(between(random, 0, 10), between(random, 0, 255), streamId, payload);
  if (random() < 0.1) {
    bytes.writeUIntBE(between(random, 0, 20_000), 0, 3);
  }
  return bytes;
}

/** HEADERS of the next stream whose block is any bytes: of all that it can say in HPACK, most is wrong. */
function anyHeaders(random: RandomSource, streamIds: number[]): Buffer {
  streamIds.push(2 * streamIds.length + 1);
  const length = between(random, 0, 60);
  const byte = () => pick(random, [0x82, 0x83, 0x84, 0x86, 0xbe, 0x40, 0x20, 0x3f, between(random, 0, 255)]);
  const block = Buffer.from(Array.from({ length }, byte));
  return http2Frame(frameTypes.headers, between(random, 0, 63), streamIds.at(-1) ?? 1, block);
}

/** Frames of a connection as `http2Bytes` makes them, among any others, some of them twice or in another place. */
export function wildHttp2Bytes(random: RandomSource): Buffer {
  const streamIds: number[] = [];
  const frames: Buffer[] = [];
  for (let count = between(random, 1, 30); count > 0; count -= 1) {
    const draw = random();
    if (draw < 0.15) {
      frames.push(anyFrame(random));
    } else if (draw < 0.3) {
      frames.push(anyHeaders(random, streamIds));
    } else if (draw < 0.4 && frames.length > 0) {
      frames.splice(between(random, 0, frames.length), 0, pick(random, frames));
    } else {
      frames.push(damage(random, frame(random, streamIds)));
    }
  }
  const start = Buffer.concat([Buffer.from(preface), random() < 0.95 ? emptySettings : Buffer.alloc(0)]);
  const whole = Buffer.concat([damage(random, start), ...frames]);
  return random() < 0.7 ? whole : whole.subarray(0, between(random, 1, whole.length));
}

/** A connection's frames, interleaved over its streams, any of which may be damaged or break off. */
export function http2Bytes(random: RandomSource): Buffer {
  const streamIds: number[] = [];
  const frames = Array.from({ length: between(random, 1, 30) }, () =>
    random() < 0.2 ? damage(random, frame(random, streamIds)) : frame(random, streamIds),
  );
  const whole = Buffer.concat([Buffer.from(preface), emptySettings, ...frames]);
  return random() < 0.5 ? whole : whole.subarray(0, between(random, 1, whole.length));
}
