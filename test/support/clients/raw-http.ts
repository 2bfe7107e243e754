import { request as http1Request } from 'node:http';
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import type { HttpVersion } from './curl.ts';

/** A request that no proper client would send. */
export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  /** A name with several values is sent several times. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: Uint8Array;
}

/** Its response. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Sends over a connection of its own; rejects when no whole response comes. */
export async function sendRaw(
  apiUrl: string,
  httpVersion: HttpVersion,
  request: RawRequest,
): Promise<RawResponse> {
  if (httpVersion === '1.1') {
    return await sendHttp1(apiUrl, request);
  }
  // Node's client counts what it has not sent yet as memory of the session; 10 MB are its default.
  const session = connect(apiUrl, { maxSessionMemory: 100 });
  try {
    return await sendHttp2(session, request);
  } finally {
    session.destroy();
  }
}

async function sendHttp1(apiUrl: string, request: RawRequest): Promise<RawResponse> {
  return await new Promise((resolve, reject) => {
    const outgoing = http1Request(`${apiUrl}${request.path}`, {
      method: request.method ?? 'POST',
      headers: { ...request.headers, 'content-length': String(request.body?.length ?? 0) },
      agent: false,
    });
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        resolve({
          status: incoming.statusCode ?? 0,
          headers: plainHeaders(incoming.headers),
          trailers: plainHeaders(incoming.trailers),
          body: Buffer.concat(chunks),
        });
        outgoing.destroy();
      });
    });
    // Writing on may fail once the server has answered; then the promise is settled already.
    outgoing.on('error', reject);
    outgoing.end(request.body);
  });
}

/** Sends on a session that is open; rejects when the stream ends without a response. */
export async function sendHttp2(session: ClientHttp2Session, request: RawRequest): Promise<RawResponse> {
  return await new Promise((resolve, reject) => {
    session.on('error', reject);
    const stream = session.request(
      {
        ...request.headers,
        [constants.HTTP2_HEADER_METHOD]: request.method ?? 'POST',
        [constants.HTTP2_HEADER_PATH]: request.path,
      },
      { endStream: request.body === undefined },
    );
    const chunks: Buffer[] = [];
    let headers: Record<string, string> | undefined;
    let trailers: Record<string, string> = {};
    stream.on('response', (received) => {
      headers = plainHeaders(received);
    });
    stream.on('trailers', (received) => {
      trailers = plainHeaders(received);
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    // The server may answer before it has the whole body; then the rest is of no use.
    stream.on('end', () => void stream.destroy());
    stream.on('close', () => {
      if (headers === undefined) {
        reject(new Error(`the stream ended with ${stream.rstCode} and without a response`));
        return;
      }
      resolve({ status: Number(headers[':status']), headers, trailers, body: Buffer.concat(chunks) });
    });
    if (request.body !== undefined) {
      stream.end(request.body);
    }
  });
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
