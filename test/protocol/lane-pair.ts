import { gunzipSync } from 'node:zlib';
import type { HttpVersion } from '../support/clients/curl.ts';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { type RawRequest, type RawResponse, sendRaw } from '../support/clients/raw-http.ts';

/** Addresses of two servers that differ in nothing but who answers unary calls. */
export interface LanePair {
  readonly laneUrl: string;
  /** Served by Connect's stock handlers alone. */
  readonly stockUrl: string;
}

/** What both answered to the same bytes. */
export interface BothResponses {
  readonly lane: RawResponse;
  readonly stock: RawResponse;
}

export async function sendToBoth(
  pair: LanePair,
  httpVersion: HttpVersion,
  request: RawRequest,
): Promise<BothResponses> {
  const [lane, stock] = await Promise.all([
    sendRaw(pair.laneUrl, httpVersion, request),
    sendRaw(pair.stockUrl, httpVersion, request),
  ]);
  return { lane, stock };
}

/** These belong to the connection and the hour, not to the call. */
const ignoredHeaders: ReadonlySet<string> = new Set(['date', 'connection', 'keep-alive']);

/**
 * A response in the form in which both servers' must be equal: everything, but with `grpc-message`
 * unescaped. Known and wanted difference: `src/server/transport/grpc-status.ts` escapes what the gRPC
 * specification says and Connect escapes more, so that the bytes differ for the same text.
 */
export function comparable({ status, headers, trailers, body }: RawResponse): unknown {
  const contentType = headers['content-type'] ?? '';
  return {
    status,
    headers: comparableHeaders(headers),
    trailers: comparableHeaders(trailers),
    body: (contentType.startsWith('application/grpc-web') ? withPlainMessage(body) : body).toString('latin1'),
  };
}

function comparableHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !ignoredHeaders.has(name))
      .map(([name, value]) => [name, name === 'grpc-message' ? decodeURIComponent(value) : value]),
  );
}

const compressedFlag = 0x01;
const trailersFlag = 0x80;

/** gRPC-Web has its trailers in the body: unescapes `grpc-message` there, and keeps every other byte. */
function withPlainMessage(body: Buffer): Buffer {
  const envelopes: Buffer[] = [];
  for (let rest = body; rest.length > 0;) {
    const flags = rest.readUInt8(0);
    const end = 5 + rest.readUInt32BE(1);
    envelopes.push(
      (flags & trailersFlag) === 0 ? rest.subarray(0, end) : plainTrailers(flags, rest.subarray(5, end)),
    );
    rest = rest.subarray(end);
  }
  return Buffer.concat(envelopes);
}

function plainTrailers(flags: number, payload: Buffer): Buffer {
  const text = ((flags & compressedFlag) === 0 ? payload : gunzipSync(payload)).toString('latin1');
  const plain = text.replace(/^(grpc-message: )(.*)\r$/m, (_line, name: string, message: string) => {
    return `${name}${decodeURIComponent(message)}\r`;
  });
  return frame(Buffer.from(plain), flags);
}
