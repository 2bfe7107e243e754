import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createHttp2Sessions } from '../../src/server/http2/sessions.ts';
import { frameTypes, http2Frame } from '../support/clients/http2-frames.ts';
import { createCertificate, hasOpenssl } from '../support/certificate.ts';
import { openRawConnection, type RawConnection } from '../support/clients/raw-connection.ts';
import {
  bigAnswer,
  call,
  framesOf,
  goawayOf,
  limits,
  openClient,
  openFrames,
  openStream,
  resetsOf,
  setting,
  startSessions,
  uint32,
} from './session-server.ts';

const none = Buffer.alloc(0);
const codes = {
  protocol: 1,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refused: 7,
  cancel: 8,
  compression: 9,
  calm: 11,
};
const windowUpdate = 8;
const priority = 2;
const initialWindowSize = 4;

/** Sends the pieces in batches until all are sent or the server has closed the connection. */
async function flood(connection: RawConnection, count: number, piece: (n: number) => Buffer): Promise<void> {
  const { socket } = connection;
  const batch = 500;
  for (let n = 0; n < count && socket.writable; n += batch) {
    const pieces = Array.from({ length: Math.min(batch, count - n) }, (_, nth) => piece(n + nth));
    if (!socket.write(Buffer.concat(pieces))) {
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
    }
  }
}

/** Another client of the same server is answered before, during and after. */
async function withHonest<T>(port: number, attack: () => Promise<T>): Promise<T> {
  const client = openClient(port);
  expect(await call(client)).toBe('ok');
  const [result, ...answers] = await Promise.all([attack(), call(client), call(client)]);
  expect([...answers, await call(client)]).toEqual(['ok', 'ok', 'ok']);
  return result;
}

describe('floods end their connection, and no other one', () => {
  test.each<readonly [string, number, (n: number) => Buffer]>([
    [
      'streams that are opened and reset',
      2_000,
      (n) =>
        Buffer.concat([openStream(n, '/never'), http2Frame(frameTypes.rstStream, 0, 2 * n + 1, uint32(8))]),
    ],
    ['SETTINGS', 3_000, () => http2Frame(frameTypes.settings, 0, 0, setting(3, 100))],
    ['PING', 20_000, () => http2Frame(frameTypes.ping, 0, 0, Buffer.alloc(8))],
    ['PRIORITY', 20_000, (n) => http2Frame(priority, 0, 2 * n + 1, Buffer.alloc(5))],
    ['frames of an unknown type', 20_000, () => http2Frame(0xfa, 0, 0, none)],
    ['WINDOW_UPDATE', 100_000, () => http2Frame(windowUpdate, 0, 0, uint32(1))],
    [
      'empty DATA',
      3_000,
      (n) => (n === 0 ? openStream(0, '/', false) : http2Frame(frameTypes.data, 0, 1, none)),
    ],
    ['streams beyond the limit', 3_000, (n) => openStream(n, '/never')],
    ['malformed requests', 3_000, (n) => http2Frame(frameTypes.headers, 0x5, 2 * n + 1, Buffer.from([0x83]))],
    [
      'headers in a thousand frames',
      1_000,
      (n) =>
        n === 0
          ? http2Frame(frameTypes.headers, 0, 1, Buffer.from([0x83]))
          : http2Frame(frameTypes.continuation, 0, 1, none),
    ],
    [
      'headers that are too long',
      10,
      (n) =>
        http2Frame(n === 0 ? frameTypes.headers : frameTypes.continuation, 0, 1, Buffer.alloc(16_384, 0x83)),
    ],
  ])('%s', async (_, count, piece) => {
    const { port } = await startSessions();
    const connection = await openFrames(port);
    await withHonest(port, async () => {
      await flood(connection, count, piece);
      await connection.closed();
    });
    expect(goawayOf(connection)).toBe(codes.calm);
  });
});

/** Frames of the nth stream, from 0. */
const reset = (n: number) => http2Frame(frameTypes.rstStream, 0, 2 * n + 1, uint32(codes.cancel));
const lastData = (n: number) => http2Frame(frameTypes.data, 0x1, 2 * n + 1, Buffer.alloc(5));

describe('no flood is, at any rate of calls,', () => {
  const answers = 30_000;

  test.each<{ what: string; isHeadAlone: boolean; behind: (n: number) => readonly Buffer[] }>([
    {
      what: 'a PING upon each answer, as grpc-go sends them',
      isHeadAlone: false,
      behind: () => [http2Frame(frameTypes.ping, 0, 0, Buffer.alloc(8))],
    },
    { what: 'a reset upon each answer', isHeadAlone: false, behind: (n) => [reset(n)] },
    {
      what: 'a refusal in headers alone and DATA behind the reset of its stream, as grpc-java sends it',
      isHeadAlone: true,
      behind: (n) => [reset(n), lastData(n)],
    },
    {
      what: 'three WINDOW_UPDATE upon each answer',
      isHeadAlone: false,
      behind: (n) => [0, 0, 2 * n + 1].map((stream) => http2Frame(windowUpdate, 0, stream, uint32(2))),
    },
  ])('$what', async ({ isHeadAlone, behind }) => {
    const { port, streams } = await startSessions({}, (stream) => {
      stream.respond([':status', '200'], isHeadAlone);
      if (!isHeadAlone) {
        stream.end([], Buffer.from('ok'));
      }
    });
    const connection = await openFrames(port);
    connection.send(http2Frame(windowUpdate, 0, 0, uint32(1_000_000)));
    await flood(connection, answers, (n) => Buffer.concat([openStream(n, '/', !isHeadAlone), ...behind(n)]));
    connection.send(http2Frame(frameTypes.ping, 0, 0, Buffer.from('the last')));
    // Or it is closed before: the code says more than all that came.
    await connection.waitFor('the last').catch(() => undefined);
    expect(goawayOf(connection)).toBeUndefined();
    expect(streams.length).toBe(answers);
  });
});

describe('one stream that goes too far is reset, and the others go on', () => {
  test('headers of more bytes or fields than allowed', async () => {
    const { port } = await startSessions();
    const client = openClient(port, { maxSendHeaderBlockLength: 100_000 });
    const send = async (headers: Record<string, string>) => {
      const stream = client.request({ ':path': '/', ...headers }).resume();
      stream.on('error', () => undefined);
      await new Promise((resolve) => stream.once('close', resolve));
      return stream.rstCode;
    };
    expect(await send({ long: 'x'.repeat(16_384) })).toBe(codes.calm);
    const many = Array.from({ length: 130 }, (_, nth) => [`name-${nth}`, 'value']);
    expect(await send(Object.fromEntries(many))).toBe(codes.calm);
    expect(await send({})).toBe(0);
  });

  test('a block of headers that stands for far more than it is (HPACK bomb)', async () => {
    const { port } = await startSessions();
    const connection = await openFrames(port);
    const entry = Buffer.concat([Buffer.from([0x40, 1, 97, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4_000, 'x')]);
    const bomb = Buffer.concat([Buffer.from([0x83, 0x86, 0x84]), entry, Buffer.alloc(10_000, 0xbe)]);
    connection.send(http2Frame(frameTypes.headers, 0x5, 1, bomb));
    connection.send(openStream(1));
    await connection.waitFor('ok');
    expect([...resetsOf(connection)]).toEqual([[1, codes.calm]]);
  });

  test('streams beyond the limit are refused, those within it answered', async () => {
    const { port, streams } = await startSessions({ maxConcurrentStreams: 2 });
    const connection = await openFrames(port);
    connection.send(
      Buffer.concat([openStream(0, '/', false), openStream(1, '/', false), openStream(2), openStream(3)]),
    );
    connection.send(http2Frame(frameTypes.data, 0x1, 1, none));
    connection.send(http2Frame(frameTypes.data, 0x1, 3, none));
    await connection.waitUntil((bytes) => bytes.toString('latin1').split('ok').length === 3);
    expect([...resetsOf(connection)]).toEqual([
      [5, codes.refused],
      [7, codes.refused],
    ]);
    expect(streams.map(({ id }) => id)).toEqual([1, 3]);
    connection.send(openStream(4));
    await connection.waitUntil((bytes) => bytes.toString('latin1').split('ok').length === 4);
  });

  test('a body that never ends, and one that never begins', async () => {
    const { port } = await startSessions({ requestTimeoutMs: 100 });
    const connection = await openFrames(port);
    connection.send(openStream(0, '/', false));
    connection.send(openStream(1, '/', false));
    connection.send(http2Frame(frameTypes.data, 0, 3, Buffer.from('x')));
    await connection.waitUntil(() => resetsOf(connection).size === 2);
    expect([...resetsOf(connection).values()]).toEqual([codes.cancel, codes.cancel]);
    connection.send(openStream(2));
    await connection.waitFor('ok');
  });

  test('an answer for which a window never opens', async () => {
    const { port, streams } = await startSessions({ requestTimeoutMs: 100 });
    const connection = await openFrames(port, setting(initialWindowSize, 0));
    connection.send(openStream(0, '/big'));
    await connection.waitUntil(() => resetsOf(connection).size === 1);
    expect([...resetsOf(connection)]).toEqual([[1, codes.cancel]]);
    expect(streams.map(({ closed, queuedBytes }) => ({ closed, queuedBytes }))).toEqual([
      { closed: true, queuedBytes: 0 },
    ]);
  });

  test('DATA beyond the window of a stream that does not read', async () => {
    const { port } = await startSessions({}, (stream) => stream.pause());
    const connection = await openFrames(port);
    connection.send(openStream(0, '/', false));
    for (let sent = 0; sent < 5; sent += 1) {
      connection.send(http2Frame(frameTypes.data, 0, 1, Buffer.alloc(16_384)));
    }
    await connection.waitUntil(() => resetsOf(connection).size === 1);
    expect([...resetsOf(connection)]).toEqual([[1, codes.flowControl]]);
  });
});

test('so much is queued for windows that do not open that no more calls are taken', async () => {
  const { port, streams } = await startSessions();
  const connection = await openFrames(port, setting(initialWindowSize, 0));
  connection.send(Buffer.concat(Array.from({ length: 20 }, (_, n) => openStream(n, '/big'))));
  await withHonest(port, () => connection.waitUntil(() => resetsOf(connection).size > 0));
  expect(new Set(resetsOf(connection).values())).toEqual(new Set([codes.refused]));
  expect(streams.filter(({ headers }) => headers[':path'] === '/big').length).toBe(9);
});

test('what a peer has windows for, and does not read, is bounded as well', async () => {
  const { port, sessions } = await startSessions({ maxConcurrentStreams: 1_000 });
  const connection = await openFrames(port, setting(initialWindowSize, 0x7fff_ffff));
  connection.socket.pause();
  connection.send(http2Frame(windowUpdate, 0, 0, uint32(0x7fff_0000)));
  connection.send(Buffer.concat(Array.from({ length: 40 }, (_, n) => openStream(n, '/big'))));
  const held = () => [...sessions.all].map(({ socket, queuedBytes }) => socket.writableLength + queuedBytes);
  await withHonest(port, () => expect.poll(() => Math.max(...held())).toBeGreaterThan(4 * 1_048_576));
  // 8 MiB that are queued, what is written, and the answer that went beyond.
  expect(Math.max(...held())).toBeLessThan(12 * 1_048_576);
  connection.socket.resume();
  const answered = () =>
    framesOf(connection.received()).filter(({ type, flags }) => type === frameTypes.data && flags === 1)
      .length;
  await connection.waitUntil(() => answered() + resetsOf(connection).size === 40);
  expect(answered()).toBeGreaterThan(8);
});

test('windows of one byte are used, and too many of them end the connection', async () => {
  const { port } = await startSessions();
  const connection = await openFrames(port, setting(initialWindowSize, 1));
  connection.send(openStream(0, '/big'));
  const dataOf = () => framesOf(connection.received()).filter(({ type }) => type === frameTypes.data);
  await connection.waitUntil(() => dataOf().length === 1);
  connection.send(http2Frame(windowUpdate, 0, 1, uint32(1)));
  await connection.waitUntil(() => dataOf().length === 2);
  expect(dataOf().map(({ payload }) => payload.length)).toEqual([1, 1]);
  await withHonest(port, async () => {
    await flood(connection, 100_000, () => http2Frame(windowUpdate, 0, 1, uint32(1)));
    await connection.closed();
  });
  expect(goawayOf(connection)).toBe(codes.calm);
});

test('an answer goes on as its windows open, across changes of SETTINGS to less than nothing', async () => {
  const { port } = await startSessions();
  const connection = await openFrames(port, setting(initialWindowSize, 1_000));
  const received = () =>
    framesOf(connection.received())
      .filter(({ type }) => type === frameTypes.data)
      .reduce((sum, { payload }) => sum + payload.length, 0);
  connection.send(openStream(0, '/big'));
  await connection.waitUntil(() => received() === 1_000);
  // The window is now -1,000.
  connection.send(http2Frame(frameTypes.settings, 0, 0, setting(initialWindowSize, 0)));
  connection.send(http2Frame(windowUpdate, 0, 1, uint32(1_000)));
  connection.send(http2Frame(windowUpdate, 0, 1, uint32(5)));
  await connection.waitUntil(() => received() === 1_005);
  connection.send(http2Frame(windowUpdate, 0, 0, uint32(2 * bigAnswer.length)));
  connection.send(http2Frame(windowUpdate, 0, 1, uint32(2 * bigAnswer.length)));
  await connection.waitUntil(() => received() === bigAnswer.length);
});

test('an error of ours ends the connection that it came up on, and is told', async () => {
  const told: unknown[] = [];
  const defect = new Error('a defect');
  const { port } = await startSessions(
    {},
    () => {
      throw defect;
    },
    (error) => void told.push(error),
  );
  const connection = await openFrames(port);
  connection.send(openStream(0));
  await connection.closed();
  expect([goawayOf(connection), told]).toEqual([2, [defect]]);
});

describe('connections', () => {
  test('without a call are told to go away, and end when nobody answers', async () => {
    const { port, sessions } = await startSessions({ idleTimeoutMs: 100, requestTimeoutMs: 100 });
    const connection = await openFrames(port);
    connection.send(openStream(0, '/never'));
    await connection.closed();
    expect(goawayOf(connection)).toBe(0);
    await expect.poll(() => sessions.all.size).toBe(0);
  });

  test.each([
    ['that begin otherwise', Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'), codes.protocol],
    [
      'that begin without SETTINGS',
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), openStream(0)]),
      codes.protocol,
    ],
  ])('%s are ended', async (_, bytes, code) => {
    const { port } = await startSessions();
    const connection = await openRawConnection(port);
    connection.send(bytes);
    await connection.closed();
    expect(goawayOf(connection)).toBe(code);
  });

  test.each<readonly [string, Buffer, number]>([
    ['a frame longer than allowed', http2Frame(frameTypes.data, 0, 1, Buffer.alloc(16_385)), codes.frameSize],
    ['PING of another length', http2Frame(frameTypes.ping, 0, 0, Buffer.alloc(7)), codes.frameSize],
    ['SETTINGS of another length', http2Frame(frameTypes.settings, 0, 0, Buffer.alloc(5)), codes.frameSize],
    [
      'RST_STREAM of a stream that has not begun',
      http2Frame(frameTypes.rstStream, 0, 9, uint32(8)),
      codes.protocol,
    ],
    ['DATA of no stream', http2Frame(frameTypes.data, 0, 0, none), codes.protocol],
    [
      'more padding than DATA',
      Buffer.concat([openStream(0, '/', false), http2Frame(frameTypes.data, 0x8, 1, Buffer.from([9, 1]))]),
      codes.protocol,
    ],
    [
      'a stream of an even number',
      http2Frame(frameTypes.headers, 0x5, 2, Buffer.from([0x83, 0x86, 0x84])),
      codes.protocol,
    ],
    ['PUSH_PROMISE', http2Frame(5, 0x4, 1, Buffer.alloc(5)), codes.protocol],
    [
      'HPACK that cannot be decoded',
      http2Frame(frameTypes.headers, 0x5, 1, Buffer.from([0x80])),
      codes.compression,
    ],
    ['a window beyond 2^31-1', http2Frame(windowUpdate, 0, 0, uint32(0x7fff_ffff)), codes.flowControl],
    [
      'another frame between those of headers',
      Buffer.concat([
        http2Frame(frameTypes.headers, 0, 1, Buffer.from([0x83])),
        http2Frame(frameTypes.ping, 0, 0, Buffer.alloc(8)),
      ]),
      codes.protocol,
    ],
    [
      'SETTINGS with too many entries',
      http2Frame(frameTypes.settings, 0, 0, Buffer.concat(Array.from({ length: 33 }, () => setting(3, 1)))),
      codes.calm,
    ],
  ])('%s ends the connection, with the code of RFC 9113', async (_, bytes, code) => {
    const { port } = await startSessions();
    const connection = await openFrames(port);
    await withHonest(port, async () => {
      connection.send(bytes);
      await connection.closed();
    });
    expect(goawayOf(connection)).toBe(code);
  });

  test.skipIf(!hasOpenssl)('over TLS are served alike (needs openssl)', async () => {
    const files = createCertificate('IP:127.0.0.1');
    const [key, cert] = [readFileSync(files.key), readFileSync(files.cert)];
    const sessions = createHttp2Sessions(limits, (stream) => {
      stream.respond([':status', '200'], false);
      stream.end(undefined, Buffer.from('ok'));
    });
    const server = createTlsServer({ key, cert, ALPNProtocols: ['h2'] }, (socket) => sessions.accept(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    expect(await call(client)).toBe('ok');
  });
});
