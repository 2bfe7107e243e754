import { describe, expect, test } from 'vitest';
import { http2Frame } from '../support/clients/http2-frames.ts';
import { errorCodes, flags, setting, types, word } from './frames.ts';
import {
  answersStream,
  endsStream,
  type Http2Peer,
  openHttp2Peer,
  openStream,
  requestBlock,
  resetsStream,
  streamIdOf,
} from './http2-peer.ts';
import { answering, startTrivialServer } from './trivial-server.ts';

/* Flow control (RFC 9113, 5.2 and 6.9), against peers that make the most of it. */

const initialWindow = 4;
const maxWindow = 2 ** 31 - 1;
const get = requestBlock({ method: 'GET', path: '/' });
const post = requestBlock({ path: '/' });

/** What came of the nth stream's body. */
function bodyOf(peer: Http2Peer, nth: number): Buffer {
  const frames = peer
    .frames()
    .filter((frame) => frame.type === types.data && frame.streamId === streamIdOf(nth));
  return Buffer.concat(frames.map(({ payload }) => payload));
}

function windowUpdate(streamId: number, increment: number): Buffer {
  return http2Frame(types.windowUpdate, 0, streamId, word(increment));
}

/** Bytes of which each tells its place. */
function numbered(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 7) % 251));
}

describe('an answer', () => {
  test('goes out a byte at a time where the window opens by one byte at a time', async () => {
    const body = numbered(500);
    const peer = await openHttp2Peer(await startTrivialServer(answering(body)), setting(initialWindow, 0));
    peer.send(openStream(0, get, true));
    await peer.next(answersStream(0));
    for (let sent = 1; sent <= body.length; sent += 1) {
      peer.send(windowUpdate(1, 1));
      await peer.connection.waitUntil(() => bodyOf(peer, 0).length >= sent);
      expect(bodyOf(peer, 0)).toHaveLength(sent);
    }
    await peer.next(endsStream(0));
    expect(bodyOf(peer, 0)).toEqual(body);
  });

  test.each([5, 50])('of %i streams at once comes whole through one-byte windows', async (streams) => {
    const body = numbered(300);
    const peer = await openHttp2Peer(await startTrivialServer(answering(body)), setting(initialWindow, 1));
    const all = Array.from({ length: streams }, (_, nth) => nth);
    peer.send(...all.map((nth) => openStream(nth, get, true)));
    await Promise.all(all.map((nth) => peer.next(answersStream(nth))));
    for (let times = 0; times < body.length; times += 1) {
      peer.send(...all.map((nth) => windowUpdate(streamIdOf(nth), 1)));
      await peer.workedOff();
    }
    await Promise.all(all.map((nth) => peer.next(endsStream(nth))));
    all.forEach((nth) => expect(bodyOf(peer, nth)).toEqual(body));
  });

  test('waits for the window of the connection, which all streams share', async () => {
    const body = numbered(50_000);
    const peer = await openHttp2Peer(await startTrivialServer(answering(body)));
    peer.send(openStream(0, get, true), openStream(1, get, true), openStream(2, get, true));
    const sent = () => [0, 1, 2].reduce((sum, nth) => sum + bodyOf(peer, nth).length, 0);
    await peer.connection.waitUntil(() => sent() >= 65_535);
    await peer.workedOff();
    expect(sent()).toBe(65_535);
    peer.send(windowUpdate(0, 1_000));
    await peer.connection.waitUntil(() => sent() >= 66_535);
    await peer.workedOff();
    expect(sent()).toBe(66_535);
    peer.send(windowUpdate(0, 1_000_000));
    await Promise.all([0, 1, 2].map((nth) => peer.next(endsStream(nth))));
    [0, 1, 2].forEach((nth) => expect(bodyOf(peer, nth)).toEqual(body));
  });

  test('waits for a window that SETTINGS made negative', async () => {
    const body = numbered(10_000);
    const peer = await openHttp2Peer(
      await startTrivialServer(answering(body)),
      setting(initialWindow, 1_000),
    );
    peer.send(openStream(0, get, true));
    await peer.connection.waitUntil(() => bodyOf(peer, 0).length >= 1_000);
    // -900; then 99 below one byte.
    peer.send(http2Frame(types.settings, 0, 0, setting(initialWindow, 100)), windowUpdate(1, 900));
    await peer.workedOff();
    expect(bodyOf(peer, 0)).toHaveLength(1_000);
    peer.send(windowUpdate(1, 10));
    await peer.connection.waitUntil(() => bodyOf(peer, 0).length > 1_000);
    await peer.workedOff();
    expect(bodyOf(peer, 0)).toHaveLength(1_010);
    // SETTINGS open windows as well.
    peer.send(http2Frame(types.settings, 0, 0, setting(initialWindow, 50_000)));
    await peer.next(endsStream(0));
    expect(bodyOf(peer, 0)).toEqual(body);
  });

  test('of no bytes needs no window', async () => {
    const peer = await openHttp2Peer(await startTrivialServer(answering('')), setting(initialWindow, 0));
    peer.send(openStream(0, get, true));
    await peer.next(endsStream(0));
  });

  test('that is waiting for its window ends with the reset of its stream', async () => {
    const port = await startTrivialServer(answering(numbered(10_000)));
    const peer = await openHttp2Peer(port, setting(initialWindow, 10));
    peer.send(openStream(0, get, true));
    await peer.connection.waitUntil(() => bodyOf(peer, 0).length >= 10);
    peer.send(http2Frame(types.rstStream, 0, 1, word(errorCodes.cancel)), windowUpdate(1, 10_000));
    await peer.workedOff();
    expect(bodyOf(peer, 0)).toHaveLength(10);
  });

  test('whose window never opens is given up in time, and others of its connection are not', async () => {
    const port = await startTrivialServer(
      (request, response) => response.end(request.url === '/none' ? '' : numbered(10_000)),
      { headersTimeoutMs: 200, requestTimeoutMs: 300 },
    );
    const peer = await openHttp2Peer(port, setting(initialWindow, 0));
    peer.send(openStream(0, get, true));
    await peer.next(resetsStream(0));
    peer.send(openStream(1, requestBlock({ method: 'GET', path: '/none' }), true));
    await peer.next(answersStream(1));
  });

  test('has no frame larger than the peer takes', async () => {
    const body = numbered(60_000);
    const peer = await openHttp2Peer(await startTrivialServer(answering(body)));
    peer.send(openStream(0, get, true));
    await peer.next(endsStream(0));
    expect(bodyOf(peer, 0)).toEqual(body);
    peer.frames().forEach(({ payload }) => expect(payload.length).toBeLessThanOrEqual(16_384));
  });
});

describe('a window that grows beyond 2^31 - 1', () => {
  test.each([
    ['of the connection', [windowUpdate(0, maxWindow)]],
    [
      'of a stream by SETTINGS',
      [windowUpdate(1, 1), http2Frame(types.settings, 0, 0, setting(4, maxWindow))],
    ],
    ['of the next streams by SETTINGS', [http2Frame(types.settings, 0, 0, setting(4, maxWindow + 1))]],
  ])('%s costs the connection', async (_whose, frames) => {
    // Never answers, so that the stream stays open.
    const peer = await openHttp2Peer(await startTrivialServer(() => undefined));
    peer.send(openStream(0, get, true), ...frames);
    expect(await peer.ended()).toMatchObject({ errorCode: errorCodes.flowControlError });
  });

  test('of a stream costs the stream', async () => {
    const peer = await openHttp2Peer(await startTrivialServer(() => undefined));
    peer.send(openStream(0, get, true), windowUpdate(1, maxWindow));
    const { payload } = await peer.next(resetsStream(0));
    expect(payload.readUInt32BE()).toBe(errorCodes.flowControlError);
    await peer.workedOff();
  });
});

describe('a body', () => {
  test('of nothing but small frames with padding comes whole: padding is given back to the window', async () => {
    const port = await startTrivialServer((request, response) => {
      let length = 0;
      request.on('data', (chunk: Buffer) => (length += chunk.length));
      request.on('end', () => response.end(String(length)));
    });
    const peer = await openHttp2Peer(port);
    peer.send(openStream(0, post));
    const frame = http2Frame(
      types.data,
      flags.padded,
      1,
      Buffer.concat([Buffer.from([254]), Buffer.alloc(255)]),
    );
    let windowOfStream = 65_535;
    let windowOfConnection = 65_535;
    let seen = 0;
    for (let sent = 0; sent < 1_000; sent += 1) {
      while (Math.min(windowOfStream, windowOfConnection) < 256) {
        await peer.connection.waitUntil(() => peer.frames().length > seen);
        for (const { type, streamId, payload } of peer.frames().slice(seen)) {
          seen += 1;
          const increment = type === types.windowUpdate ? payload.readUInt32BE() : 0;
          windowOfStream += streamId === 1 ? increment : 0;
          windowOfConnection += streamId === 0 ? increment : 0;
        }
      }
      windowOfStream -= 256;
      windowOfConnection -= 256;
      peer.send(frame);
    }
    peer.send(http2Frame(types.data, flags.endStream, 1, Buffer.alloc(0)));
    await peer.next(endsStream(0));
    expect(bodyOf(peer, 0).toString()).toBe('1000');
  });

  test('beyond the window of its stream costs the stream: FLOW_CONTROL_ERROR', async () => {
    // Never reads.
    const peer = await openHttp2Peer(await startTrivialServer(() => undefined));
    peer.send(openStream(0, post));
    const data = http2Frame(types.data, 0, 1, Buffer.alloc(16_384));
    for (let sent = 0; sent < 400 && peer.connection.socket.writable; sent += 1) {
      peer.send(data);
    }
    const { payload } = await peer.next(resetsStream(0));
    expect(payload.readUInt32BE()).toBe(errorCodes.flowControlError);
    await peer.workedOff();
  });
});
