import { once } from 'node:events';
import { expect, test } from 'vitest';
import { frameTypes, http2Frame } from '../support/clients/http2-frames.ts';
import {
  call,
  framesOf,
  openClient,
  openFrames,
  openStream,
  resetsOf,
  setting,
  startSessions,
  uint32,
} from './session-server.ts';
import type { Http2Stream } from '../../src/server/http2/stream.ts';

/* What waits: bodies for who reads them, answers for windows and for the peer to read. */

const windowUpdate = 8;
const initialWindowSize = 4;
const calm = 11;
const maxWindow = 2 ** 31 - 1;

/** Answers at once with so many bytes. */
function answering(bytes: number): (stream: Http2Stream) => void {
  return (stream) => {
    stream.respond([':status', '200'], false);
    stream.end(undefined, Buffer.alloc(bytes, 'x'));
  };
}

/** How much DATA of the nth stream has come. */
function dataOf(received: Buffer, nth: number): number {
  return framesOf(received)
    .filter(({ type, streamId }) => type === frameTypes.data && streamId === 2 * nth + 1)
    .reduce((sum, { payload }) => sum + payload.length, 0);
}

test('bodies of which nobody has read anything are bounded in all: one piece more resets its stream', async () => {
  const waiting: Http2Stream[] = [];
  const { port } = await startSessions({ maxConcurrentStreams: 1_100 }, (stream) => {
    if (stream.headers[':path'] === '/unread') {
      waiting.push(stream);
    } else {
      answering(2)(stream);
    }
  });
  const connection = await openFrames(port);
  const window = 65_535;
  const frame = Buffer.alloc(16_383);
  for (let n = 0; n < 1_030; n += 1) {
    connection.send(openStream(n, '/unread', false));
    for (let piece = 0; piece < 4; piece += 1) {
      connection.send(http2Frame(frameTypes.data, 0, 2 * n + 1, frame));
    }
  }
  await connection.waitUntil((received) =>
    framesOf(received).some(({ type }) => type === frameTypes.rstStream),
  );
  const client = openClient(port);
  expect(await call(client, '/other')).toHaveLength(2);
  const [[reset = 0, code] = []] = resetsOf(connection);
  expect(code).toBe(calm);
  // Those before it wait as they did.
  expect(reset).toBeGreaterThan(2 * Math.floor(67_108_864 / window) - 2);
  const [first] = waiting;
  const pieces: Buffer[] = [];
  first?.read({ onData: (piece) => void pieces.push(piece), onEnd: () => undefined });
  expect(Buffer.concat(pieces)).toHaveLength(4 * frame.length);
});

test('answers that wait for their own windows are not looked at when that of the connection changes', async () => {
  const { port, sessions } = await startSessions({}, answering(10));
  const connection = await openFrames(port, setting(initialWindowSize, 0));
  const streams = 50;
  for (let n = 0; n < streams; n += 1) {
    connection.send(openStream(n));
  }
  await connection.waitUntil(
    (received) => framesOf(received).filter(({ type }) => type === frameTypes.headers).length === streams,
  );
  const [session] = sessions.all;
  expect(session?.streams.size).toBe(streams);
  expect(session?.blocked.size).toBe(0);
  connection.send(http2Frame(frameTypes.settings, 0, 0, setting(initialWindowSize, 10)));
  await connection.waitUntil(
    (received) => framesOf(received).filter(({ type }) => type === frameTypes.data).length === streams,
  );
  expect(session?.streams.size).toBe(0);
});

test('SETTINGS that name a window more than once set the last', async () => {
  const { port } = await startSessions({}, answering(10));
  const connection = await openFrames(port, setting(initialWindowSize, 0));
  connection.send(openStream(0));
  const windows = [5, 0, 7, 3].map((bytes) => setting(initialWindowSize, bytes));
  connection.send(http2Frame(frameTypes.settings, 0, 0, Buffer.concat(windows)));
  await connection.waitUntil((received) => dataOf(received, 0) > 0);
  connection.send(http2Frame(frameTypes.ping, 0, 0, Buffer.alloc(8)));
  await connection.waitUntil((received) => framesOf(received).some(({ type }) => type === frameTypes.ping));
  expect(dataOf(connection.received(), 0)).toBe(3);
});

test('large answers that wait for the window of the connection take turns', async () => {
  const { port } = await startSessions({}, answering(1_000_000));
  const connection = await openFrames(port, setting(initialWindowSize, maxWindow));
  connection.send(openStream(0));
  connection.send(openStream(1));
  let window = 65_535;
  for (let turn = 0; turn < 4; turn += 1) {
    const allowed = window;
    await connection.waitUntil((received) => dataOf(received, 0) + dataOf(received, 1) === allowed);
    window += 30_000;
    connection.send(http2Frame(windowUpdate, 0, 0, uint32(30_000)));
  }
  await connection.waitUntil((received) => dataOf(received, 0) + dataOf(received, 1) === window);
  expect(dataOf(connection.received(), 1)).toBe(60_000);
});

test('a connection whose peer reads nothing is closed, also when it sends nothing more', async () => {
  const { port, sessions } = await startSessions(
    { requestTimeoutMs: 300 },
    // More than kernels keep.
    answering(60_000_000),
  );
  const connection = await openFrames(port, setting(initialWindowSize, maxWindow));
  const [session] = sessions.all;
  const closed = new Promise<void>((resolve) => {
    session?.onClose(resolve);
  });
  connection.socket.pause();
  connection.send(http2Frame(windowUpdate, 0, 0, uint32(maxWindow - 65_535)));
  connection.send(openStream(0));
  await closed;
  expect(sessions.all.size).toBe(0);
  connection.socket.resume();
  await once(connection.socket, 'close');
});
