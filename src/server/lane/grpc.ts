import { encodeEnvelope, envelopeCompress } from '@connectrpc/connect/protocol';
import {
  contentTypeJson,
  contentTypeProto,
  headerEncoding,
  headerGrpcStatus,
  grpcStatusOk,
  parseTimeout,
} from '@connectrpc/connect/protocol-grpc';
import type { OutgoingHttpHeaders } from 'node:http';
import { toNodeHeaders } from './header-conversion.ts';
import { setGrpcStatus } from '../grpc-status.ts';
import type { LaneCall } from './lane-call.ts';
import {
  type LaneProtocol,
  type ResponseCompression,
  unwrapEnvelope,
  wrapEnvelope,
} from './lane-protocol.ts';

const okTrailers: OutgoingHttpHeaders = { [headerGrpcStatus.toLowerCase()]: grpcStatusOk };

function headersOf(call: LaneCall, binary: boolean, response: ResponseCompression): OutgoingHttpHeaders {
  return call.hasOwnMetadata
    ? toNodeHeaders(call.responseHeader)
    : grpcLane.initialHeader(binary, response.compression);
}

/** gRPC over HTTP/2: one envelope, then HTTP trailers with the status. */
export const grpcLane: LaneProtocol = {
  name: 'grpc',
  encodingHeader: 'grpc-encoding',
  acceptEncodingHeader: 'grpc-accept-encoding',
  timeoutHeader: 'grpc-timeout',
  parseTimeout,
  initialTrailer: { [headerGrpcStatus]: grpcStatusOk },
  unwrap: unwrapEnvelope,

  initialHeader(binary, compression) {
    const contentType = binary ? contentTypeProto : contentTypeJson;
    return compression === null
      ? { 'content-type': contentType }
      : { 'content-type': contentType, [headerEncoding.toLowerCase()]: compression.name };
  },

  success(call, message, binary, response) {
    const headers = headersOf(call, binary, response);
    const trailers = call.hasOwnMetadata ? toNodeHeaders(call.responseTrailer) : okTrailers;
    if (response.compression === null || message.byteLength < response.minBytes) {
      return { status: 200, headers, body: wrapEnvelope(0, message), trailers };
    }
    return envelopeCompress({ flags: 0, data: message }, response.compression, response.minBytes).then(
      ({ flags, data }) => ({ status: 200, headers, body: encodeEnvelope(flags, data), trailers }),
    );
  },

  failure(call, error, binary, response) {
    const trailer = setGrpcStatus(call.responseTrailer, error);
    return {
      status: 200,
      headers: headersOf(call, binary, response),
      body: undefined,
      trailers: toNodeHeaders(trailer),
    };
  },
};
