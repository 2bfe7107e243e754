import type { HttpVersion } from '../support/clients/curl.ts';
import { type JsonObject, type Method, servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import type { RawRequest, RawResponse } from '../support/clients/raw-http.ts';
import type { Wire } from '../support/clients/wires.ts';

/** One request for both servers. */
export interface LaneRow {
  readonly name: string;
  readonly wire: Wire;
  readonly httpVersion: HttpVersion;
  readonly request: RawRequest;
  /** How both answer, so that a row which misses its point shows: a code, or `HTTP` and the status. */
  readonly outcome: string;
}

/** Names in lower case. */
export type Headers = Readonly<Record<string, string>>;
/** The body of a request, envelope included. */
export type Body = (wire: Wire) => Buffer;

/** A row before it is known by which wire it goes. */
export interface Request {
  readonly name: string;
  readonly outcome: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: (wire: Wire) => Headers;
  readonly body: Body;
}

export function isJson(wire: Wire): boolean {
  return wire.contentType === 'application/json';
}

export function rowOf(wire: Wire, { name, outcome, path, method, headers, body }: Request): LaneRow {
  const request = {
    path: path ?? `${servicePath}/CreatePaymentIntent`,
    ...(method === undefined ? {} : { method }),
    headers: {
      'content-type': wire.contentType,
      ...(wire.protocol === 'gRPC' ? { te: 'trailers' } : {}),
      // The service would make one at random for what it refuses.
      'x-request-id': 'request-1',
      ...headers?.(wire),
    },
    body: body(wire),
  };
  return { name, wire, httpVersion: wire.httpVersion, request, outcome };
}

export function message(rpc: Method, request: JsonObject): Body {
  return (wire) => (isJson(wire) ? Buffer.from(JSON.stringify(request)) : encodeRequest(rpc, request));
}

/** A proper request in the protocol of the wire. */
export function call(rpc: Method, request: JsonObject): Pick<Request, 'path' | 'body'> {
  return {
    path: `${servicePath}/${rpc}`,
    body: (wire) => wire.envelope(message(rpc, request)(wire)),
  };
}

/** The code in a response, or its HTTP status when it is none of the protocol's. */
export function outcomeOf(wire: Wire, response: RawResponse): string {
  return [405, 415].includes(response.status) ? `HTTP ${response.status}` : wire.readStatus(response).code;
}
