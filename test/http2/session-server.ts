import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { createHttp2Sessions, type Http2Limits } from '../../src/server/http2/sessions.ts';
import type { Http2Stream } from '../../src/server/http2/stream.ts';
import { frameTypes, http2Frame, preface } from '../support/clients/http2-frames.ts';
import { openRawConnection, type RawConnection } from '../support/clients/raw-connection.ts';

export const limits: Http2Limits = {
  maxConcurrentStreams: 100,
  maxHeaderBytes: 16_384,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
};

/** A megabyte, for what waits for windows. */
export const bigAnswer = Buffer.alloc(1_048_576, 'x');

/** Answers each request when its body has come: with `ok`, or `bigAnswer` for the path /big; `/never` is never answered. */
function answer(stream: Http2Stream): void {
  const path = stream.headers[':path'];
  stream.read({
    onData: () => undefined,
    onEnd() {
      if (path !== '/never') {
        stream.respond([':status', '200'], false);
        stream.end(undefined, path === '/big' ? bigAnswer : Buffer.from('ok'));
      }
    },
  });
}

/** Serves sessions on a free port. */
export async function startSessions(
  change: Partial<Http2Limits> = {},
  onStream = answer,
  onDefect?: (error: unknown) => void,
) {
  const streams: Http2Stream[] = [];
  const sessions = createHttp2Sessions(
    { ...limits, ...change },
    (stream) => {
      streams.push(stream);
      onStream(stream);
    },
    onDefect,
  );
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    sessions.accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, sessions, streams };
}

/** A client that behaves. */
export function openClient(port: number, options = {}): ClientHttp2Session {
  const client = connect(`http://127.0.0.1:${port}`, options);
  client.on('error', () => undefined);
  onTestFinished(() => client.destroy());
  return client;
}

/** The answer of a path, or the code with which it was reset. */
export async function call(client: ClientHttp2Session, path = '/'): Promise<string> {
  const stream = client.request({ ':path': path });
  try {
    return await text(stream);
  } catch {
    return `reset ${stream.rstCode}`;
  }
}

/** A frame that the server has sent. */
export interface Received {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Reads the whole frames of what has come. */
export function framesOf(received: Buffer): readonly Received[] {
  const frames: Received[] = [];
  for (let at = 0; at + 9 <= received.length;) {
    const end = at + 9 + received.readUIntBE(at, 3);
    if (end > received.length) {
      break;
    }
    frames.push({
      type: received.readUInt8(at + 3),
      flags: received.readUInt8(at + 4),
      streamId: received.readUInt32BE(at + 5),
      payload: received.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}

/** A connection on which a test sends frames as it likes; the preface and the given SETTINGS have been sent. */
export async function openFrames(port: number, settings: Buffer = Buffer.alloc(0)): Promise<RawConnection> {
  const connection = await openRawConnection(port);
  connection.send(preface);
  connection.send(http2Frame(frameTypes.settings, 0, 0, settings));
  return connection;
}

/** An entry of SETTINGS. */
export function setting(id: number, value: number): Buffer {
  const entry = Buffer.alloc(6);
  entry.writeUInt16BE(id);
  entry.writeUInt32BE(value, 2);
  return entry;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const endStream = 0x1;
const endHeaders = 0x4;
const post = 0x83;
const http = 0x86;

/** HEADERS of a POST of the nth stream, from 0; by the static table, `/` unless told otherwise. */
export function openStream(n: number, path = '/', ends = true): Buffer {
  const block = Buffer.concat([Buffer.from([post, http, 0x04, path.length]), Buffer.from(path)]);
  return http2Frame(frameTypes.headers, endHeaders | (ends ? endStream : 0), 2 * n + 1, block);
}

/** The code of GOAWAY that has come behind all else, undefined without one. */
export function goawayOf(connection: RawConnection): number | undefined {
  return framesOf(connection.received())
    .find(({ type }) => type === frameTypes.goaway)
    ?.payload.readUInt32BE(4);
}

/** The codes of RST_STREAM by stream. */
export function resetsOf(connection: RawConnection): ReadonlyMap<number, number> {
  const resets = framesOf(connection.received()).filter(({ type }) => type === frameTypes.rstStream);
  return new Map(resets.map(({ streamId, payload }) => [streamId, payload.readUInt32BE(0)]));
}
