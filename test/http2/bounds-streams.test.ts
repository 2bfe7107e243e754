import { describe, expect, test } from 'vitest';
import type { ServerResponse } from 'node:http';
import { http2Frame } from '../support/clients/http2-frames.ts';
import { errorCodes, flags, types, word } from './frames.ts';
import { literalField } from './header-blocks.ts';
import {
  answersStream,
  endsStream,
  openHttp2Peer,
  openStream,
  requestBlock,
  resetsStream,
  streamIdOf,
} from './http2-peer.ts';
import { answering, startTrivialServer } from './trivial-server.ts';

/* Streams: how many there may be, and frames that come in the wrong state (RFC 9113, 5.1). */

const get = requestBlock({ method: 'GET', path: '/' });
const post = requestBlock({ path: '/' });
const nothing = Buffer.alloc(0);

test('streams beyond the limit are refused, the others are answered, and the connection stays', async () => {
  const waiting: ServerResponse[] = [];
  const port = await startTrivialServer((_request, response) => void waiting.push(response), {
    maxConcurrentStreams: 5,
  });
  const peer = await openHttp2Peer(port);
  await peer.workedOff();
  peer.send(...Array.from({ length: 8 }, (_, nth) => openStream(nth, get, true)));
  for (const nth of [5, 6, 7]) {
    const { payload } = await peer.next(resetsStream(nth));
    expect(payload.readUInt32BE()).toBe(errorCodes.refusedStream);
  }
  await expect.poll(() => waiting.length).toBe(5);
  waiting.splice(0).forEach((response) => response.end('late'));
  await Promise.all([0, 1, 2, 3, 4].map((nth) => peer.next(answersStream(nth))));
  await Promise.all([0, 1, 2, 3, 4].map((nth) => peer.next(endsStream(nth))));
  // There is room again.
  peer.send(openStream(8, get, true));
  await expect.poll(() => waiting.length).toBe(1);
  waiting.splice(0).forEach((response) => response.end());
  await peer.next(answersStream(8));
  expect(peer.frames().map(({ type }) => type)).not.toContain(types.goaway);
});

test('the limit counts streams whose answer is not read to its end', async () => {
  const port = await startTrivialServer(answering('x'.repeat(100)), { maxConcurrentStreams: 2 });
  const peer = await openHttp2Peer(port, Buffer.from('000400000000', 'hex'));
  await peer.workedOff();
  peer.send(openStream(0, get, true), openStream(1, get, true));
  await Promise.all([0, 1].map((nth) => peer.next(answersStream(nth))));
  peer.send(openStream(2, get, true));
  const { payload } = await peer.next(resetsStream(2));
  expect(payload.readUInt32BE()).toBe(errorCodes.refusedStream);
});

const reset = (nth: number) => http2Frame(types.rstStream, 0, streamIdOf(nth), word(errorCodes.cancel));
const data = (nth: number, bits = 0) => http2Frame(types.data, bits, streamIdOf(nth), Buffer.alloc(5));
const windowUpdate = (nth: number) => http2Frame(types.windowUpdate, 0, streamIdOf(nth), word(1));
const largeHead = requestBlock({ path: '/', more: [['x', 'y'.repeat(20_000)]] });

describe('a connection ends upon', () => {
  test.each<[string, readonly Buffer[], number]>([
    ['DATA on an idle stream', [data(3)], errorCodes.protocolError],
    ['RST_STREAM on an idle stream', [reset(3)], errorCodes.protocolError],
    ['WINDOW_UPDATE on an idle stream', [windowUpdate(3)], errorCodes.protocolError],
    [
      'CONTINUATION without HEADERS',
      [http2Frame(types.continuation, 4, 1, nothing)],
      errorCodes.protocolError,
    ],
    ['a stream of the server', [http2Frame(types.headers, 5, 2, get)], errorCodes.protocolError],
    [
      'a stream id that goes down',
      [openStream(3, get, true), openStream(1, get, true)],
      errorCodes.protocolError,
    ],
    [
      'PUSH_PROMISE',
      [openStream(0, post), http2Frame(types.pushPromise, 4, 1, Buffer.from('0000000282', 'hex'))],
      errorCodes.protocolError,
    ],
    ['DATA on the connection', [http2Frame(types.data, 0, 0, nothing)], errorCodes.protocolError],
    ['HEADERS on the connection', [http2Frame(types.headers, 5, 0, get)], errorCodes.protocolError],
    [
      'a frame within a header block',
      [http2Frame(types.headers, 0, 1, get), data(0)],
      errorCodes.protocolError,
    ],
    [
      'more padding than there is',
      [openStream(0, post), http2Frame(types.data, flags.padded, 1, Buffer.from([5, 0]))],
      errorCodes.protocolError,
    ],
    [
      'RST_STREAM of 3 bytes',
      [openStream(0, post), http2Frame(3, 0, 1, Buffer.alloc(3))],
      errorCodes.frameSizeError,
    ],
    [
      'WINDOW_UPDATE of 5 bytes',
      [http2Frame(types.windowUpdate, 0, 0, Buffer.alloc(5))],
      errorCodes.frameSizeError,
    ],
    ['WINDOW_UPDATE of 0', [http2Frame(types.windowUpdate, 0, 0, word(0))], errorCodes.protocolError],
    ['PING of 7 bytes', [http2Frame(types.ping, 0, 0, Buffer.alloc(7))], errorCodes.frameSizeError],
    ['PING on a stream', [http2Frame(types.ping, 0, 1, Buffer.alloc(8))], errorCodes.protocolError],
    ['SETTINGS of 5 bytes', [http2Frame(types.settings, 0, 0, Buffer.alloc(5))], errorCodes.frameSizeError],
    [
      'an acknowledgement with settings',
      [http2Frame(types.settings, 1, 0, Buffer.alloc(6))],
      errorCodes.frameSizeError,
    ],
    ['SETTINGS on a stream', [http2Frame(types.settings, 0, 1, nothing)], errorCodes.protocolError],
    [
      'ENABLE_PUSH of 2',
      [http2Frame(types.settings, 0, 0, Buffer.from('000200000002', 'hex'))],
      errorCodes.protocolError,
    ],
    [
      'MAX_FRAME_SIZE of 16,383',
      [http2Frame(types.settings, 0, 0, Buffer.from('000500003fff', 'hex'))],
      errorCodes.protocolError,
    ],
    [
      'a frame of 16,385 bytes',
      [openStream(0, post), http2Frame(types.data, 0, 1, Buffer.alloc(16_385))],
      errorCodes.frameSizeError,
    ],
    ['GOAWAY of 7 bytes', [http2Frame(types.goaway, 0, 0, Buffer.alloc(7))], errorCodes.frameSizeError],
  ])('%s', async (_what, frames, errorCode) => {
    const peer = await openHttp2Peer(await startTrivialServer(answering('')));
    peer.send(...frames);
    expect(await peer.ended()).toMatchObject({ errorCode });
  });
});

describe('what may come late is passed over:', () => {
  test.each<[string, readonly Buffer[]]>([
    ['RST_STREAM of a stream that has ended', [openStream(0, get, true), reset(0), reset(0)]],
    ['WINDOW_UPDATE of a stream that was reset', [openStream(0, post), reset(0), windowUpdate(0)]],
    [
      'PRIORITY of a stream that was reset',
      [openStream(0, post), reset(0), http2Frame(2, 0, 1, Buffer.from('0000000010', 'hex'))],
    ],
    ['PRIORITY of an idle stream', [http2Frame(types.priority, 0, 77, Buffer.from('0000000010', 'hex'))]],
    ['a setting that nobody knows', [http2Frame(types.settings, 0, 0, Buffer.from('00ff00000001', 'hex'))]],
    [
      'an acknowledgement of a PING that was not sent',
      [http2Frame(types.ping, flags.ack, 0, Buffer.alloc(8))],
    ],
    ['a frame of an unknown type on an idle stream', [http2Frame(0xee, 0xff, 99, Buffer.alloc(100))]],
  ])('%s', async (_what, frames) => {
    const peer = await openHttp2Peer(await startTrivialServer(answering('')));
    peer.send(...frames, openStream(10, get, true));
    const { type } = await peer.next(({ streamId }) => streamId === streamIdOf(10));
    expect(type).toBe(types.headers);
  });
});

describe('a stream is reset upon', () => {
  test.each<[string, readonly Buffer[], number]>([
    ['DATA after its end', [openStream(0, post, true), data(0)], errorCodes.streamClosed],
    ['DATA after its reset', [openStream(0, post), reset(0), data(0)], errorCodes.streamClosed],
    [
      'HEADERS after its end',
      [openStream(0, post, true), openStream(0, post, true)],
      errorCodes.streamClosed,
    ],
    [
      'WINDOW_UPDATE of 0',
      [openStream(0, post), http2Frame(types.windowUpdate, 0, 1, word(0))],
      errorCodes.protocolError,
    ],
    [
      'a header that belongs to a connection',
      [openStream(0, Buffer.concat([post, literalField('literal', 'connection', 'close')]), true)],
      errorCodes.protocolError,
    ],
    [
      'a header in capitals',
      [openStream(0, Buffer.concat([post, literalField('literal', 'X', 'y')]), true)],
      errorCodes.protocolError,
    ],
    ['a head without a path', [openStream(0, Buffer.from([0x83, 0x86]), true)], errorCodes.protocolError],
    [
      'two paths',
      [openStream(0, Buffer.concat([post, literalField('literal', 4, '/')]), true)],
      errorCodes.protocolError,
    ],
    [
      'a body shorter than was announced',
      [openStream(0, requestBlock({ path: '/', more: [['content-length', '6']] })), data(0, flags.endStream)],
      errorCodes.protocolError,
    ],
  ])('%s, and the connection stays', async (_what, frames, errorCode) => {
    // Never answers: the stream stays half open.
    const peer = await openHttp2Peer(await startTrivialServer(() => undefined));
    peer.send(...frames);
    const { payload } = await peer.next(resetsStream(0));
    expect(payload.readUInt32BE()).toBe(errorCode);
    await peer.workedOff();
  });
});

describe('a head of more than 16 KiB', () => {
  const pieces = [0, 10_000, 20_000].map((from) => largeHead.subarray(from, from + 10_000));

  test('costs its stream, and the connection stays', async () => {
    const peer = await openHttp2Peer(await startTrivialServer(answering('')));
    peer.send(
      http2Frame(types.headers, flags.endStream, 1, pieces[0] ?? nothing),
      http2Frame(types.continuation, 0, 1, pieces[1] ?? nothing),
      http2Frame(types.continuation, flags.endHeaders, 1, pieces[2] ?? nothing),
      openStream(1, get, true),
    );
    await peer.next(answersStream(1));
    const { payload } = await peer.next(resetsStream(0));
    expect(payload.readUInt32BE()).toBe(errorCodes.enhanceYourCalm);
    expect(peer.frames().map(({ type }) => type)).not.toContain(types.goaway);
  });

  test('of 129 small headers, too', async () => {
    const peer = await openHttp2Peer(await startTrivialServer(answering('')));
    const more = Array.from({ length: 129 }, (_, n): [string, string] => [`x-${n}`, '']);
    peer.send(openStream(0, requestBlock({ path: '/', more }), true), openStream(1, get, true));
    await peer.next(answersStream(1));
    const { payload } = await peer.next(resetsStream(0));
    expect(payload.readUInt32BE()).toBe(errorCodes.enhanceYourCalm);
  });
});

test('calls finish after GOAWAY of the client, and the connection ends', async () => {
  const waiting: ServerResponse[] = [];
  const port = await startTrivialServer((_request, response) => void waiting.push(response));
  const peer = await openHttp2Peer(port);
  peer.send(openStream(0, get, true));
  await expect.poll(() => waiting.length).toBe(1);
  peer.send(http2Frame(types.goaway, 0, 0, Buffer.alloc(8)));
  waiting.forEach((response) => response.end('late'));
  await peer.next(endsStream(0));
  expect(await peer.ended()).toMatchObject({ errorCode: errorCodes.noError });
});

test('bodies that never end are reset when their time is over, and the connection stays', async () => {
  const port = await startTrivialServer(answering(''), { headersTimeoutMs: 200, requestTimeoutMs: 300 });
  const peer = await openHttp2Peer(port);
  const all = Array.from({ length: 50 }, (_, nth) => nth);
  peer.send(...all.flatMap((nth) => [openStream(nth, post), data(nth)]));
  await Promise.all(all.map((nth) => peer.next(endsStream(nth))));
  peer.send(openStream(50, get, true));
  await peer.next(answersStream(50));
});
