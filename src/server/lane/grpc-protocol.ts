import { type Compression, encodeEnvelope, envelopeCompress } from '@connectrpc/connect/protocol';
import {
  contentTypeJson,
  contentTypeProto,
  grpcStatusOk,
  headerGrpcStatus,
  parseTimeout,
} from '@connectrpc/connect/protocol-grpc';
import type { OutgoingHttpHeaders } from 'node:http';
import { mergeTrailersOnly, setGrpcStatus } from '../transport/grpc-status.ts';
import { unwrapEnvelope, wrapEnvelope } from '../transport/envelope.ts';
import { toNodeHeaders } from '../transport/header-conversion.ts';
import type { AnsweredCall, LaneProtocol } from './lane-types.ts';

/** The trailers of every successful call whose handler set none; one object, known by identity. */
export const okTrailers: OutgoingHttpHeaders = { [headerGrpcStatus.toLowerCase()]: grpcStatusOk };

/** Headers of a reply without metadata or compression; one object each, known by identity. Node copies them. */
export const plainHeaders = {
  binary: { 'content-type': contentTypeProto },
  json: { 'content-type': contentTypeJson },
};

function initialHeader(binary: boolean, compression: Compression | null): Readonly<Record<string, string>> {
  const plain = binary ? plainHeaders.binary : plainHeaders.json;
  return compression === null ? plain : { ...plain, 'grpc-encoding': compression.name };
}

function headersOf(call: AnsweredCall): OutgoingHttpHeaders {
  return call.hasOwnMetadata
    ? toNodeHeaders(call.responseHeader)
    : initialHeader(call.route.binary, call.compression);
}

/** gRPC over HTTP/2: one envelope, then HTTP trailers with the status. */
export const grpcProtocol: LaneProtocol = {
  name: 'grpc',
  encodingHeader: 'grpc-encoding',
  acceptEncodingHeader: 'grpc-accept-encoding',
  timeoutHeader: 'grpc-timeout',
  parseTimeout,
  initialHeader,
  initialTrailer: { [headerGrpcStatus]: grpcStatusOk },
  unwrap: unwrapEnvelope,

  success(call, message) {
    const headers = headersOf(call);
    const trailers = call.hasOwnMetadata ? toNodeHeaders(call.responseTrailer) : okTrailers;
    if (call.compression === null || message.byteLength < call.compressMinBytes) {
      return { status: 200, headers, body: wrapEnvelope(0, message), trailers };
    }
    return envelopeCompress({ flags: 0, data: message }, call.compression, call.compressMinBytes).then(
      ({ flags, data }) => ({ status: 200, headers, body: encodeEnvelope(flags, data), trailers }),
    );
  },

  failure(call, error) {
    const trailer = setGrpcStatus(call.responseTrailer, error);
    const merged = mergeTrailersOnly(call.responseHeader, trailer);
    return merged === undefined
      ? { status: 200, headers: headersOf(call), body: undefined, trailers: toNodeHeaders(trailer) }
      : { status: 200, headers: toNodeHeaders(merged), body: undefined, trailers: undefined };
  },
};
