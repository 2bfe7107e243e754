import { type Compression, encodeEnvelope, envelopeCompress } from '@connectrpc/connect/protocol';
import { grpcStatusOk, headerGrpcStatus } from '@connectrpc/connect/protocol-grpc';
import {
  contentTypeJson,
  contentTypeProto,
  trailerFlag,
  trailerSerialize,
} from '@connectrpc/connect/protocol-grpc-web';
import { setGrpcStatus } from '../transport/grpc-status.ts';
import { wrapEnvelope } from '../transport/envelope.ts';
import { grpcProtocol } from './grpc-protocol.ts';
import { toNodeHeaders } from '../transport/header-conversion.ts';
import type { AnsweredCall, LaneProtocol, LaneReply } from './lane-types.ts';

const okTrailerEnvelope = wrapEnvelope(
  trailerFlag,
  trailerSerialize(new Headers({ [headerGrpcStatus]: grpcStatusOk })),
);

function initialHeader(binary: boolean, compression: Compression | null): Readonly<Record<string, string>> {
  const contentType = binary ? contentTypeProto : contentTypeJson;
  return { ...grpcProtocol.initialHeader(binary, compression), 'content-type': contentType };
}

async function encode(call: AnsweredCall, data: Uint8Array, flags: number): Promise<Uint8Array> {
  const envelope = await envelopeCompress({ flags, data }, call.compression, call.compressMinBytes);
  return encodeEnvelope(envelope.flags, envelope.data);
}

function replyWith(call: AnsweredCall, body: Uint8Array): LaneReply {
  const headers = call.hasOwnMetadata
    ? toNodeHeaders(call.responseHeader)
    : initialHeader(call.route.binary, call.compression);
  return { status: 200, headers, body, trailers: undefined };
}

/** gRPC-Web: as gRPC, but the trailers are a last envelope in the body. */
export const grpcWebProtocol: LaneProtocol = {
  ...grpcProtocol,
  name: 'grpc-web',
  initialHeader,

  success(call, message) {
    const compressed = call.compression !== null && message.byteLength >= call.compressMinBytes;
    if (!call.hasOwnMetadata && !compressed) {
      return replyWith(call, Buffer.concat([wrapEnvelope(0, message), okTrailerEnvelope]));
    }
    const trailer = trailerSerialize(call.responseTrailer);
    return Promise.all([encode(call, message, 0), encode(call, trailer, trailerFlag)]).then((envelopes) =>
      replyWith(call, Buffer.concat(envelopes)),
    );
  },

  async failure(call, error) {
    const trailer = trailerSerialize(setGrpcStatus(call.responseTrailer, error));
    return replyWith(call, await encode(call, trailer, trailerFlag));
  },
};
