import type { HttpVersion } from '../support/clients/curl.ts';
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

/** A response in the form in which both servers' must be equal: everything, `grpc-message` byte for byte. */
export function comparable({ status, headers, trailers, body }: RawResponse): unknown {
  return {
    status,
    headers: comparableHeaders(headers),
    trailers: comparableHeaders(trailers),
    body: body.toString('latin1'),
  };
}

function comparableHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ignoredHeaders.has(name)));
}
