import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { flood } from '../faults/attacker.ts';
import { type OtherCallers, startOtherCallers } from '../faults/other-callers.ts';
import { expectUnharmed } from '../protocol/unharmed.ts';
import { http2Frame } from '../support/clients/http2-frames.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { errorCodes, flags, types, word } from './frames.ts';
import { indexedField, literalField, tableSize } from './header-blocks.ts';
import {
  callBlock,
  openHttp2Peer,
  openStream,
  requestBlock,
  resetsStream,
  streamIdOf,
  wholeCall,
} from './http2-peer.ts';

/* Floods, each of which ends its own connection with ENHANCE_YOUR_CALM while others are answered. */

let service: RunningService;
let others: OtherCallers;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0' });
  others = startOtherCallers(service);
});

afterAll(async () => {
  await others.stop();
  await service.app.stop();
});

beforeEach(() => () => expectUnharmed(service));

const nothing = Buffer.alloc(0);
const cancel = word(errorCodes.cancel);
const field = literalField('literal', 'x', 'y'.repeat(100));

interface Flood {
  readonly what: string;
  /** What comes before, if anything. */
  readonly start?: Uint8Array;
  /** The nth piece. */
  readonly piece: (n: number) => Buffer;
  /** More than the service takes. */
  readonly count: number;
}

/** A stream whose body does not end. */
const openBody = openStream(0, callBlock());

const floods: readonly Flood[] = [
  {
    what: 'calls that are opened and reset (rapid reset)',
    piece: (n) =>
      Buffer.concat([openStream(n, callBlock()), http2Frame(types.rstStream, 0, streamIdOf(n), cancel)]),
    count: 20_000,
  },
  {
    what: 'requests for Fastify that are opened and reset',
    piece: (n) =>
      Buffer.concat([
        openStream(n, requestBlock({ path: '/unknown', contentType: 'text/plain' })),
        http2Frame(types.rstStream, 0, streamIdOf(n), cancel),
      ]),
    count: 20_000,
  },
  {
    what: 'calls that make the service reset them, by a window update of 0',
    piece: (n) =>
      Buffer.concat([openStream(n, callBlock()), http2Frame(types.windowUpdate, 0, streamIdOf(n), word(0))]),
    count: 20_000,
  },
  {
    what: 'calls that make the service reset them, by a header that may not be',
    piece: (n) =>
      openStream(n, Buffer.concat([callBlock(), literalField('literal', 'connection', 'close')]), true),
    count: 20_000,
  },
  {
    what: 'CONTINUATION frames without end',
    start: http2Frame(types.headers, 0, 1, field),
    piece: () => http2Frame(types.continuation, 0, 1, field),
    count: 20_000,
  },
  {
    what: 'empty CONTINUATION frames',
    start: http2Frame(types.headers, 0, 1, callBlock()),
    piece: () => http2Frame(types.continuation, 0, 1, nothing),
    count: 20_000,
  },
  {
    what: 'empty DATA frames',
    start: openBody,
    piece: () => http2Frame(types.data, 0, 1, nothing),
    count: 20_000,
  },
  {
    what: 'DATA frames of nothing but padding',
    start: openBody,
    piece: () => http2Frame(types.data, flags.padded, 1, Buffer.from([3, 0, 0, 0])),
    count: 20_000,
  },
  { what: 'SETTINGS', piece: () => http2Frame(types.settings, 0, 0, nothing), count: 100_000 },
  { what: 'PING', piece: () => http2Frame(types.ping, 0, 0, Buffer.alloc(8)), count: 100_000 },
  {
    what: 'PRIORITY',
    piece: (n) => http2Frame(types.priority, 0, streamIdOf(n % 100), Buffer.from('0000000010', 'hex')),
    count: 100_000,
  },
  {
    what: 'more streams than the limit, without end',
    start: Buffer.concat(Array.from({ length: 1_000 }, (_, n) => openStream(n, callBlock()))),
    piece: (n) => openStream(1_000 + n, callBlock()),
    count: 20_000,
  },
];

describe.each(floods)('$what', ({ start = nothing, piece, count }) => {
  test('cost the connection, and nobody else', async () => {
    const peer = await openHttp2Peer(service.apiPort);
    await peer.workedOff();
    peer.send(start);
    await Promise.all([flood(peer.connection.socket, count, piece), others.answered(5)]);
    expect(await peer.ended()).toMatchObject({ errorCode: errorCodes.enhanceYourCalm });
    await others.answered(5);
  });
});

describe('what an honest client may send does not cost the connection:', () => {
  test.each<[string, (n: number) => Buffer, number]>([
    ['100 PING at once', () => http2Frame(types.ping, 0, 0, Buffer.alloc(8)), 100],
    ['30 SETTINGS at once', () => http2Frame(types.settings, 0, 0, nothing), 30],
    [
      '200 PRIORITY of the streams that some browsers have had',
      (n) => http2Frame(types.priority, 0, streamIdOf(n % 6), Buffer.from('0000000010', 'hex')),
      200,
    ],
    [
      '500 calls, each reset at once by its deadline',
      (n) =>
        Buffer.concat([openStream(n, callBlock()), http2Frame(types.rstStream, 0, streamIdOf(n), cancel)]),
      500,
    ],
    ['frames of types that nobody knows', () => http2Frame(0xfa, 0xff, 0, Buffer.alloc(20)), 100],
  ])('%s', async (_what, piece, count) => {
    const peer = await openHttp2Peer(service.apiPort);
    peer.send(...Array.from({ length: count }, (_, n) => piece(n)));
    peer.send(wholeCall(1_000));
    await peer.next(({ type, streamId }) => type === types.headers && streamId === streamIdOf(1_000));
    expect(peer.frames().map(({ type }) => type)).not.toContain(types.goaway);
  });
});

describe('a small block that names a large entry thousands of times (HPACK bomb)', () => {
  const entry = literalField('indexed', 'bomb', 'x'.repeat(3_900));
  const bomb = Buffer.alloc(12_000, indexedField(62));

  test('costs its stream, and not the connection', async () => {
    const peer = await openHttp2Peer(service.apiPort);
    peer.send(openStream(0, Buffer.concat([callBlock(), entry, bomb]), true));
    // The entry is at the same place, so the table is in step still.
    peer.send(openStream(1, Buffer.concat([callBlock(), indexedField(62)]), true));
    await peer.next(({ type, streamId }) => type === types.headers && streamId === streamIdOf(1));
    const { payload } = await peer.next(resetsStream(0));
    expect(payload.readUInt32BE()).toBe(errorCodes.enhanceYourCalm);
    expect(peer.frames().map(({ type }) => type)).not.toContain(types.goaway);
  });

  test('comes 2,000 times, and others are answered', async () => {
    const peer = await openHttp2Peer(service.apiPort);
    peer.send(openStream(0, Buffer.concat([callBlock(), entry]), true));
    const block = Buffer.concat([callBlock(), bomb]);
    await Promise.all([
      flood(peer.connection.socket, 2_000, (n) => openStream(n + 1, block, true)),
      others.answered(10),
    ]);
  });
});

test.each<[string, Buffer]>([
  ['an index that there is not', indexedField(70)],
  ['a table larger than the service allows', tableSize(4_097)],
  ['a string that is cut off', Buffer.from('00057879', 'hex')],
])('%s is COMPRESSION_ERROR', async (_what, block) => {
  const peer = await openHttp2Peer(service.apiPort);
  peer.send(openStream(0, Buffer.concat([callBlock(), block]), true));
  expect(await peer.ended()).toMatchObject({ errorCode: errorCodes.compressionError });
});
