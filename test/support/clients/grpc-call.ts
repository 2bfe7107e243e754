import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';

/** A gRPC call as bytes: what a client library would send, or would not. */
export interface GrpcCall {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** What came back on the stream. */
export interface GrpcAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  /** Whether the headers have ended the stream, which is gRPC's "Trailers-Only". */
  readonly isTrailersOnly: boolean;
  readonly body: Buffer;
  /** The status, wherever it stands. */
  readonly status: string | undefined;
  /** `grpc-message` as it was sent. */
  readonly escapedMessage: string;
  /** Size of the largest block of headers as HTTP/2 counts it: names, values and 32 bytes for each. */
  readonly headerBytes: number;
}

/** Opens a connection, makes the call and closes. */
export async function callGrpc(apiUrl: string, call: GrpcCall): Promise<GrpcAnswer> {
  const session = connect(apiUrl);
  try {
    return await callGrpcOn(session, call);
  } finally {
    session.destroy();
  }
}

/** Makes the call on an open connection; rejects when the stream or the connection fails. */
export async function callGrpcOn(session: ClientHttp2Session, call: GrpcCall): Promise<GrpcAnswer> {
  const stream = session.request({
    ':method': 'POST',
    ':path': call.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...call.headers,
  });
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  let isTrailersOnly = false;
  const chunks: Buffer[] = [];
  stream.on('response', (received, flags) => {
    headers = received;
    isTrailersOnly = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
  });
  stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end(call.body ?? Buffer.alloc(5));
  await once(stream, 'close');
  const all = { ...headers, ...trailers };
  return {
    headers,
    trailers,
    isTrailersOnly,
    body: Buffer.concat(chunks),
    status: all['grpc-status']?.toString(),
    escapedMessage: all['grpc-message']?.toString() ?? '',
    headerBytes: Math.max(bytesOf(headers), bytesOf(trailers)),
  };
}

function bytesOf(headers: IncomingHttpHeaders): number {
  return Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + Buffer.byteLength(String(value)) + 32,
    0,
  );
}
