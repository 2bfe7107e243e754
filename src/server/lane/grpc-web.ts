import { encodeEnvelope, envelopeCompress } from '@connectrpc/connect/protocol';
import {
  contentTypeJson,
  contentTypeProto,
  trailerFlag,
  trailerSerialize,
} from '@connectrpc/connect/protocol-grpc-web';
import { headerGrpcStatus, grpcStatusOk, parseTimeout } from '@connectrpc/connect/protocol-grpc';
import { setGrpcStatus } from '../grpc-status.ts';
import type { LaneCall } from './lane-call.ts';
import { grpcLane } from './grpc.ts';
import { toNodeHeaders } from './header-conversion.ts';
import {
  type LaneProtocol,
  type LaneReply,
  type ResponseCompression,
  wrapEnvelope,
} from './lane-protocol.ts';

const okTrailerEnvelope = wrapEnvelope(
  trailerFlag,
  trailerSerialize(new Headers({ [headerGrpcStatus]: grpcStatusOk })),
);

async function encode(data: Uint8Array, flags: number, response: ResponseCompression): Promise<Uint8Array> {
  const envelope = await envelopeCompress({ flags, data }, response.compression, response.minBytes);
  return encodeEnvelope(envelope.flags, envelope.data);
}

function reply(call: LaneCall, body: Uint8Array, binary: boolean, response: ResponseCompression): LaneReply {
  const headers = call.hasOwnMetadata
    ? toNodeHeaders(call.responseHeader)
    : grpcWebLane.initialHeader(binary, response.compression);
  return { status: 200, headers, body, trailers: undefined };
}

/** gRPC-Web: as gRPC, but the trailers are a last envelope in the body. */
export const grpcWebLane: LaneProtocol = {
  ...grpcLane,
  name: 'grpc-web',
  parseTimeout,

  initialHeader(binary, compression) {
    return {
      ...grpcLane.initialHeader(binary, compression),
      'content-type': binary ? contentTypeProto : contentTypeJson,
    };
  },

  async success(call, message, binary, response) {
    if (!call.hasOwnMetadata && (response.compression === null || message.byteLength < response.minBytes)) {
      return reply(call, Buffer.concat([wrapEnvelope(0, message), okTrailerEnvelope]), binary, response);
    }
    const trailer = trailerSerialize(call.responseTrailer);
    const parts = [await encode(message, 0, response), await encode(trailer, trailerFlag, response)];
    return reply(call, Buffer.concat(parts), binary, response);
  },

  async failure(call, error, binary, response) {
    const trailer = trailerSerialize(setGrpcStatus(call.responseTrailer, error));
    return reply(call, await encode(trailer, trailerFlag, response), binary, response);
  },
};
