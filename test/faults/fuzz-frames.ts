import type { RandomSource } from '../../src/base/random.ts';
import { flags, setting, types, word } from '../http2/frames.ts';
import { indexedField, literalField, tableSize } from '../http2/header-blocks.ts';
import { requestBlock } from '../http2/http2-peer.ts';
import { emptySettings, http2Frame, preface } from '../support/clients/http2-frames.ts';
import { between, pick } from './fuzz-random.ts';

const payments = '/payment.v1.PaymentService';
const emptyMessage = Buffer.alloc(5);

/** Heads of requests to the lane, to Connect's handlers, to streams, and to none. */
const heads = [
  requestBlock({ path: `${payments}/GetPaymentStatus`, contentType: 'application/grpc' }),
  requestBlock({ path: `${payments}/CreatePaymentIntent`, contentType: 'application/grpc+proto' }),
  requestBlock({ path: `${payments}/ListPayments`, contentType: 'application/json' }),
  requestBlock({ path: `${payments}/GetPaymentStatus`, contentType: 'application/grpc-web' }),
  requestBlock({ path: '/grpc.health.v1.Health/Watch', contentType: 'application/grpc' }),
  requestBlock({
    path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    contentType: 'application/grpc',
  }),
  requestBlock({ path: '/unknown', contentType: 'text/plain', more: [['expect', '100-continue']] }),
  requestBlock({ method: 'GET', path: '/healthz' }),
];

const someFields = [
  literalField('indexed', 'x-repeated', 'value'),
  literalField('indexed', 'x-repeated', 'v'.repeat(200)),
  literalField('never', 'authorization', 'Bearer secret'),
  literalField('literal', 'grpc-timeout', '1m'),
  literalField('literal', 'content-length', '5'),
  literalField('literal', 'te', 'trailers'),
  indexedField(62),
  indexedField(16),
];

/** HEADERS of a request, sometimes padded, with a priority, or in several frames. */
function request(random: RandomSource, streamId: number): readonly Buffer[] {
  const extra = Array.from({ length: between(random, 0, 3) }, () => pick(random, someFields));
  const size = random() < 0.1 ? [tableSize(between(random, 0, 4_096))] : [];
  const block = Buffer.concat([...size, pick(random, heads), ...extra]);
  const isEnd = random() < 0.2 ? flags.endStream : 0;
  const draw = random();
  if (draw < 0.15) {
    const [first, second] = [between(random, 0, block.length), between(random, 0, block.length)].toSorted(
      (a, b) => a - b,
    ) as [number, number];
    return [
      http2Frame(types.headers, isEnd, streamId, block.subarray(0, first)),
      http2Frame(types.continuation, 0, streamId, block.subarray(first, second)),
      http2Frame(types.continuation, flags.endHeaders, streamId, block.subarray(second)),
    ];
  }
  if (draw < 0.3) {
    const padding = between(random, 0, 40);
    const payload = Buffer.concat([
      Buffer.from([padding]),
      word(between(random, 0, 5)),
      Buffer.from([16]),
      block,
      Buffer.alloc(padding),
    ]);
    const bits = isEnd | flags.endHeaders | flags.padded | flags.priority;
    return [http2Frame(types.headers, bits, streamId, payload)];
  }
  return [http2Frame(types.headers, isEnd | flags.endHeaders, streamId, block)];
}

function data(random: RandomSource, streamId: number): Buffer {
  const body = pick(random, [emptyMessage, emptyMessage, Buffer.alloc(between(random, 0, 3_000))]);
  const isEnd = random() < 0.6 ? flags.endStream : 0;
  if (random() < 0.15) {
    const padding = between(random, 0, 255);
    const payload = Buffer.concat([Buffer.from([padding]), body, Buffer.alloc(padding)]);
    return http2Frame(types.data, isEnd | flags.padded, streamId, payload);
  }
  return http2Frame(types.data, isEnd, streamId, body);
}

/** A frame that a client may send at any time. */
function housekeeping(random: RandomSource, streamId: number): Buffer {
  return pick(random, [
    () => http2Frame(types.ping, 0, 0, Buffer.alloc(8)),
    () => http2Frame(types.settings, 0, 0, setting(4, between(random, 0, 70_000))),
    () => http2Frame(types.settings, 0, 0, setting(1, between(random, 0, 5_000))),
    () => http2Frame(types.settings, 0, 0, setting(5, between(random, 16_384, 20_000))),
    () => http2Frame(types.settings, flags.ack, 0, Buffer.alloc(0)),
    () => http2Frame(types.windowUpdate, 0, pick(random, [0, streamId]), word(between(random, 1, 100_000))),
    () => http2Frame(types.rstStream, 0, streamId, word(between(random, 0, 13))),
    () => http2Frame(types.priority, 0, streamId, Buffer.from('0000000010', 'hex')),
    () => http2Frame(types.goaway, 0, 0, Buffer.alloc(8)),
    () => http2Frame(types.headers, flags.endHeaders | flags.endStream, streamId, someFields[4] ?? word(0)),
  ])();
}

/** Frames of a client that does nothing wrong, its calls interleaved. */
function conversation(random: RandomSource): Buffer[] {
  const frames: Buffer[] = [random() < 0.3 ? http2Frame(types.settings, 0, 0, setting(4, 0)) : emptySettings];
  const open: number[] = [];
  for (let nth = between(random, 1, 6), next = 1; nth > 0; nth -= 1, next += 2) {
    frames.push(...request(random, next));
    open.push(next);
    for (let count = between(random, 0, 3); count > 0; count -= 1) {
      frames.push(
        random() < 0.7 ? data(random, pick(random, open)) : housekeeping(random, pick(random, open)),
      );
    }
  }
  return frames;
}

function randomFrame(random: RandomSource): Buffer {
  const payload = Buffer.from(Array.from({ length: between(random, 0, 40) }, () => between(random, 0, 255)));
  const streamId = pick(random, [0, 1, 2, 3, 5, 11, 2 ** 31 - 1]);
  return http2Frame(between(random, 0, 10), between(random, 0, 255), streamId, payload);
}

/** Changes the frames in one way. */
function mutate(random: RandomSource, frames: Buffer[]): void {
  const at = between(random, 0, frames.length - 1);
  const frame = Buffer.from(frames[at] ?? emptySettings);
  pick(random, [
    () => void frames.splice(at, 1),
    () => void frames.splice(at, 0, frame),
    () => void frames.splice(between(random, 0, frames.length), 0, frame),
    () => void frames.splice(at, 0, randomFrame(random)),
    () => void frames.splice(at, 1, frame.subarray(0, between(random, 0, frame.length))),
    () => {
      // A byte of its head: length, type, flags or stream.
      frame[between(random, 0, 8)] = between(random, 0, 255);
      frames[at] = frame;
    },
    () => {
      frame[between(random, 0, frame.length - 1)] = between(random, 0, 255);
      frames[at] = frame;
    },
    () => {
      // One bit.
      const place = between(random, 0, frame.length - 1);
      frame[place] = (frame[place] ?? 0) ^ (1 << between(random, 0, 7));
      frames[at] = frame;
    },
    () => void frames.splice(at, 1, ...Array.from({ length: between(random, 2, 30) }, () => frame)),
  ])();
  if (frames.length === 0) {
    frames.push(emptySettings);
  }
}

/** What one connection sends: mostly a valid conversation with some mutations, now and then noise. */
export function fuzzedFrames(random: RandomSource): Buffer {
  const start = Buffer.from(preface);
  if (random() < 0.1) {
    const frames = Array.from({ length: between(random, 1, 20) }, () => randomFrame(random));
    return Buffer.concat([start, ...(random() < 0.5 ? [emptySettings] : []), ...frames]);
  }
  const frames = conversation(random);
  for (let count = pick(random, [0, 1, 1, 2, 4]); count > 0; count -= 1) {
    mutate(random, frames);
  }
  const whole = Buffer.concat([start, ...frames]);
  return random() < 0.8 ? whole : whole.subarray(0, between(random, 1, whole.length));
}
