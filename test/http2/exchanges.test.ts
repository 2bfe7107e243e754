import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Http2Request } from '../../src/server/http2/compat-request.ts';
import { Http2Response } from '../../src/server/http2/compat-response.ts';
import type { Http2Stream } from '../../src/server/http2/stream.ts';
import { frameTypes, http2Frame } from '../support/clients/http2-frames.ts';
import { flags } from './frames.ts';
import { openStream as headersOf, requestBlock } from './http2-peer.ts';
import {
  call,
  framesOf,
  openClient,
  openFrames,
  openStream,
  resetsOf,
  startSessions,
} from './session-server.ts';

/* What a request is read as, and what who answers it is told. */

const protocolError = 1;

test.each(['GET', 'POST'])(
  'who answers %s is told of the end of the answer, and then of that of the stream',
  async (method) => {
    const events: string[] = [];
    const done = Promise.withResolvers<void>();
    const { port } = await startSessions({}, (stream) => {
      // The connection is not asked for anything here.
      const socket = {} as Socket;
      const request = new Http2Request(stream, socket);
      const response = new Http2Response(stream, socket);
      for (const name of ['finish', 'close', 'error']) {
        response.on(name, () => events.push(name));
      }
      response.on('close', () => done.resolve());
      request.resume();
      response.end('ok', () => events.push('end() calls back'));
    });
    const client = openClient(port);
    const stream = client.request({ ':path': '/', ':method': method });
    stream.resume();
    stream.end();
    await done.promise;
    expect(events).toEqual(['end() calls back', 'finish', 'close']);
    expect(await call(client)).toBe('ok');
  },
);

test('names that all objects know are headers like any others', async () => {
  const { port, streams } = await startSessions();
  const connection = await openFrames(port);
  const more = [
    ['constructor', 'a'],
    ['__proto__', 'b'],
    ['constructor', 'c'],
  ] as const;
  connection.send(headersOf(0, requestBlock({ path: '/', more }), true));
  await connection.waitFor('ok');
  const [headers] = streams.map((stream: Http2Stream) => Object.entries(stream.headers));
  expect(headers).toContainEqual(['constructor', 'a, c']);
  expect(headers).toContainEqual(['__proto__', 'b']);
});

test.each([
  ['hexadecimal', ['0x2']],
  ['a fraction', ['2.0']],
  ['a power', ['2e0']],
  ['signed', ['+2']],
  ['empty', ['']],
  ['a list', ['2, 2']],
  ['beyond any body', ['9'.repeat(400)]],
  ['there twice, with two values', ['2', '3']],
  ['there twice', ['2', '2']],
])('a request whose length is %s is malformed', async (_, lengths) => {
  const { port, streams } = await startSessions();
  const connection = await openFrames(port);
  const more = lengths.map((length) => ['content-length', length] as const);
  connection.send(headersOf(0, requestBlock({ path: '/', more })));
  connection.send(http2Frame(frameTypes.data, flags.endStream, 1, Buffer.alloc(2)));
  await connection.waitUntil((received) =>
    framesOf(received).some(({ type }) => type === frameTypes.rstStream),
  );
  expect(resetsOf(connection).get(1)).toBe(protocolError);
  expect(streams).toEqual([]);
});

test('a later GOAWAY does not name a later request than the first', async () => {
  const { port, sessions } = await startSessions();
  const connection = await openFrames(port);
  connection.send(openStream(0, '/never'));
  connection.send(http2Frame(frameTypes.ping, 0, 0, Buffer.alloc(8)));
  await connection.waitUntil((received) => framesOf(received).some(({ type }) => type === frameTypes.ping));
  for (const session of sessions.all) {
    session.close();
  }
  connection.send(openStream(1));
  // Of no stream: ends the connection.
  connection.send(http2Frame(frameTypes.data, 0, 0, Buffer.alloc(0)));
  await connection.closed();
  const lastIds = framesOf(connection.received())
    .filter(({ type }) => type === frameTypes.goaway)
    .map(({ payload }) => payload.readUInt32BE(0));
  expect(lastIds).toEqual([1, 1]);
});
