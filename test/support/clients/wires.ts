import { status as grpcStatus } from '@grpc/grpc-js';
import type { HttpVersion } from './curl.ts';
import { frame, readGrpcWebResponse } from './grpc-web-curl-client.ts';
import { canonicalCode } from './payment-client.ts';
import type { RawResponse } from './raw-http.ts';

/** A code and its message as they came over the wire; `OK` when the call succeeded. */
export interface WireStatus {
  readonly code: string;
  readonly message: string;
}

/** One way to make a call: a protocol, its encoding and the HTTP version. */
export interface Wire {
  readonly name: string;
  readonly httpVersion: HttpVersion;
  readonly protocol: 'gRPC' | 'gRPC-Web' | 'Connect';
  readonly contentType: string;
  /** The header that names the compression of messages. */
  readonly encodingHeader: string;
  readonly timeoutHeader: string;
  /** Puts a message into what the protocol has around it. */
  envelope(message: Buffer, options?: { readonly compressed: boolean }): Buffer;
  /** Reads the outcome; throws when it is not told in the protocol. */
  readStatus(response: RawResponse): WireStatus;
}

function createGrpcWire(): Wire {
  return {
    name: 'gRPC over h2c',
    httpVersion: '2',
    protocol: 'gRPC',
    contentType: 'application/grpc',
    encodingHeader: 'grpc-encoding',
    timeoutHeader: 'grpc-timeout',
    envelope: (message, options) => frame(message, options?.compressed === true ? 1 : 0),
    readStatus(response) {
      expectStatus(response, 200, 'application/grpc');
      return statusFrom({ ...response.headers, ...response.trailers });
    },
  };
}

function createGrpcWebWire(httpVersion: HttpVersion): Wire {
  return {
    ...createGrpcWire(),
    name: `gRPC-Web over ${nameOf(httpVersion)}`,
    httpVersion,
    protocol: 'gRPC-Web',
    contentType: 'application/grpc-web+proto',
    readStatus(response) {
      expectStatus(response, 200, 'application/grpc-web');
      const headers = Object.fromEntries(
        Object.entries(response.headers).map(([name, value]) => [name, [value]]),
      );
      const { trailers } = readGrpcWebResponse({ ...response, headers });
      return statusFrom(Object.fromEntries(trailers));
    },
  };
}

function createConnectWire(httpVersion: HttpVersion, encoding: 'json' | 'proto'): Wire {
  return {
    name: `Connect ${encoding} over ${nameOf(httpVersion)}`,
    httpVersion,
    protocol: 'Connect',
    contentType: `application/${encoding}`,
    encodingHeader: 'content-encoding',
    timeoutHeader: 'connect-timeout-ms',
    envelope: (message) => message,
    readStatus(response) {
      if (response.status === 200) {
        return { code: 'OK', message: '' };
      }
      return readConnectError(response);
    },
  };
}

/** Reads the error of a Connect call, whatever HTTP status it has. */
export function readConnectError(response: RawResponse): WireStatus {
  expectStatus(response, response.status, 'application/json');
  const { code, message } = JSON.parse(response.body.toString('utf8')) as { code: string; message: string };
  return { code: canonicalCode(code), message };
}

function nameOf(httpVersion: HttpVersion): string {
  return httpVersion === '2' ? 'h2c' : 'HTTP/1.1';
}

function expectStatus(response: RawResponse, status: number, contentType: string): void {
  const actual = response.headers['content-type'] ?? 'none';
  if (response.status !== status || !actual.startsWith(contentType)) {
    throw new Error(
      `HTTP ${response.status} with content-type ${actual}: ${response.body.subarray(0, 500).toString('latin1')}`,
    );
  }
}

function statusFrom(trailers: Readonly<Record<string, string>>): WireStatus {
  const code = trailers['grpc-status'];
  if (code === undefined) {
    throw new Error(`no grpc-status in ${JSON.stringify(trailers)}`);
  }
  return {
    code: grpcStatus[Number(code)] ?? code,
    message: decodeURIComponent(trailers['grpc-message'] ?? ''),
  };
}

/** Every way there is to make a unary call. */
export const wires: readonly Wire[] = [
  createGrpcWire(),
  createGrpcWebWire('1.1'),
  createGrpcWebWire('2'),
  createConnectWire('1.1', 'json'),
  createConnectWire('2', 'json'),
  createConnectWire('1.1', 'proto'),
  createConnectWire('2', 'proto'),
];
