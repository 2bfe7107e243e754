import { describe, expect, onTestFinished, test } from 'vitest';
import { flood, http2Start, openAttack } from '../faults/attacker.ts';
import { http2Frame, preface } from '../support/clients/http2-frames.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { errorCodes, flags, types, word } from './frames.ts';
import { openStream, requestBlock, streamIdOf } from './http2-peer.ts';
import {
  call,
  framesOf,
  goawayOf,
  openClient,
  openFrames,
  resetsOf,
  startSessions,
} from './session-server.ts';

/* Bounds of a session by itself: what it writes for who does not read, how long it waits, and where its limits are. */

const megabyte = 1_048_576;
const nothing = Buffer.alloc(0);

/** So many small headers. */
function numbered(count: number): readonly (readonly [string, string])[] {
  return Array.from({ length: count }, (_, nth) => [`x-${nth}`, '']);
}

describe('of who does not read', () => {
  test('PING are neither answered nor taken without end', async () => {
    const { port, sessions } = await startSessions({ requestTimeoutMs: 400 });
    const client = openClient(port);
    expect(await call(client)).toBe('ok');
    const socket = await openAttack(port);
    onTestFinished(() => void socket.destroy());
    socket.pause();
    socket.write(http2Start);
    let most = 0;
    // 17 MB of answers, of which kernels keep some: without any bound 10 MB wait.
    await flood(socket, 1_000_000, () => {
      most = Math.max(most, ...[...sessions.all].map((session) => session.socket.writableLength));
      return http2Frame(types.ping, 0, 0, Buffer.alloc(8));
    });
    expect(most).toBeLessThan(2 * megabyte);
    expect(await call(client)).toBe('ok');
    socket.resume();
    // Only the other one is left.
    await expect.poll(() => sessions.all.size, { timeout: 5_000 }).toBe(1);
  });

  test('no more requests are read, until it reads again: then all are answered', async () => {
    const count = 8_000;
    let most = 0;
    const { port, sessions } = await startSessions({}, (stream) => {
      most = Math.max(most, ...[...sessions.all].map(({ socket }) => socket.writableLength));
      const isLong = stream.headers[':path'] === '/long';
      // Of headers alone, which no window holds back; of each stream others, so that none are in the table.
      const head = isLong ? ['x-long', String(stream.id).padEnd(4_000, '~')] : [];
      stream.respond([':status', '200', ...head], isLong);
      stream.end(undefined, Buffer.from('ok'));
    });
    const client = openClient(port);
    expect(await call(client)).toBe('ok');
    const [other] = sessions.all;

    const socket = await openAttack(port);
    onTestFinished(() => void socket.destroy());
    socket.pause();
    // Long as well, so that a single read holds few of them.
    const block = requestBlock({ path: '/long', more: [['x-pad', 'x'.repeat(900)]] });
    socket.write(
      Buffer.concat([http2Start, ...Array.from({ length: count }, (_, n) => openStream(n, block, true))]),
    );
    const session = () => [...sessions.all].find((each) => each !== other);
    await expect.poll(() => session()?.pausedSinceMs, { timeout: 5_000 }).toBeGreaterThan(0);
    expect(await call(client)).toBe('ok');

    const pieces: Buffer[] = [];
    let bytes = 0;
    const all = Promise.withResolvers<void>();
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > count * 3_000) {
        all.resolve();
      }
    });
    socket.on('close', all.resolve);
    socket.resume();
    await all.promise;
    const answers = () => framesOf(Buffer.concat(pieces)).filter(({ type }) => type === types.headers);
    await expect.poll(() => answers().length, { timeout: 5_000 }).toBe(count);
    expect(most).toBeLessThan(2 * megabyte);
  });
});

describe('a connection ends, and nothing of it is left, that', () => {
  test.each<[string, Uint8Array]>([
    ['sends nothing', nothing],
    ['sends a part of the preface', Buffer.from(preface).subarray(0, 10)],
    ['sends the preface and no more', Buffer.from(preface)],
    ['begins a frame and does not end it', Buffer.concat([http2Start, Buffer.from('00000806', 'hex')])],
    [
      'begins headers and does not end them',
      Buffer.concat([http2Start, http2Frame(types.headers, 0, 1, Buffer.from([0x83]))]),
    ],
  ])('%s', async (_what, bytes) => {
    const { port, sessions } = await startSessions({ idleTimeoutMs: 100, requestTimeoutMs: 100 });
    const connection = await openRawConnection(port);
    connection.send(bytes);
    await connection.closed();
    expect(goawayOf(connection)).toBe(errorCodes.noError);
    await expect.poll(() => sessions.all.size).toBe(0);
  });
});

describe('the limit of headers is where it is said to be', () => {
  /** Each counts with 32 bytes more (RFC 9113, 6.5.2): those of `requestBlock` with this. */
  const own = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'localhost'],
  ].reduce((sum, [name = '', value = '']) => sum + name.length + value.length + 32, 0);

  test.each<[string, (beyond: number) => readonly (readonly [string, string])[]]>([
    ['128 of them', (beyond) => numbered(124 + beyond)],
    ['16,384 bytes', (beyond) => [['long', 'x'.repeat(16_384 - own - 36 + beyond)]]],
  ])('%s', async (_what, fields) => {
    const { port } = await startSessions();
    const connection = await openFrames(port);
    const send = (nth: number, beyond: number) => {
      const block = requestBlock({ method: 'GET', path: '/', more: fields(beyond) });
      // Longer than a frame may be.
      const half = block.length >> 1;
      connection.send(http2Frame(types.headers, flags.endStream, streamIdOf(nth), block.subarray(0, half)));
      connection.send(
        http2Frame(types.continuation, flags.endHeaders, streamIdOf(nth), block.subarray(half)),
      );
    };
    send(0, 1);
    send(1, 0);
    await connection.waitFor('ok');
    expect([...resetsOf(connection)]).toEqual([[streamIdOf(0), errorCodes.enhanceYourCalm]]);
    expect(goawayOf(connection)).toBeUndefined();
  });
});

describe('priorities that cannot be cost their stream alone:', () => {
  const onItself = Buffer.concat([word(1), Buffer.from([16])]);
  const post = requestBlock({ path: '/' });
  const withPriority = flags.endHeaders | flags.endStream | flags.priority;

  test.each<[string, Buffer, number]>([
    [
      'PRIORITY of 4 bytes',
      Buffer.concat([openStream(0, post), http2Frame(types.priority, 0, 1, Buffer.alloc(4))]),
      errorCodes.frameSizeError,
    ],
    [
      'PRIORITY of a stream that depends on itself',
      Buffer.concat([openStream(0, post), http2Frame(types.priority, 0, 1, onItself)]),
      errorCodes.protocolError,
    ],
    [
      'HEADERS of a stream that depends on itself',
      http2Frame(types.headers, withPriority, 1, Buffer.concat([onItself, post])),
      errorCodes.protocolError,
    ],
  ])('%s', async (_what, bytes, code) => {
    const { port } = await startSessions();
    const connection = await openFrames(port);
    connection.send(Buffer.concat([bytes, openStream(1, post, true)]));
    await connection.waitFor('ok');
    expect([...resetsOf(connection)]).toEqual([[1, code]]);
    expect(goawayOf(connection)).toBeUndefined();
  });
});
