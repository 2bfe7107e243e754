import type { JsonWriteOptions } from '@bufbuild/protobuf';
import { mergeNonProtocolHeaders } from '@connectrpc/connect/protocol';
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  contentTypeUnaryProto,
  errorToJsonBytes,
  parseTimeout,
  trailerMux,
} from '@connectrpc/connect/protocol-connect';
import type { OutgoingHttpHeaders } from 'node:http';
import { toNodeHeaders } from '../transport/header-conversion.ts';
import type { AnsweredCall, LaneProtocol, LaneReply } from './lane-types.ts';

function initialHeader(binary: boolean): Readonly<Record<string, string>> {
  return { 'content-type': binary ? contentTypeUnaryProto : contentTypeUnaryJson };
}

function headersOf(call: AnsweredCall): OutgoingHttpHeaders {
  return call.hasOwnMetadata
    ? toNodeHeaders(trailerMux(call.responseHeader, call.responseTrailer))
    : initialHeader(call.route.binary);
}

function replyWith(call: AnsweredCall, status: number, body: Uint8Array): LaneReply | Promise<LaneReply> {
  const { compression, compressMinBytes } = call;
  const headers = headersOf(call);
  if (compression === null || body.byteLength < compressMinBytes) {
    return { status, headers: { ...headers, 'content-length': body.byteLength }, body, trailers: undefined };
  }
  return compression.compress(body).then((compressed) => ({
    status,
    headers: { ...headers, 'content-encoding': compression.name, 'content-length': compressed.byteLength },
    body: compressed,
    trailers: undefined,
  }));
}

/** Connect: the bare message as the body, the outcome as the HTTP status, errors as JSON. */
export function createConnectProtocol(jsonOptions: Partial<JsonWriteOptions>): LaneProtocol {
  return {
    name: 'connect',
    encodingHeader: 'content-encoding',
    acceptEncodingHeader: 'accept-encoding',
    timeoutHeader: 'connect-timeout-ms',
    parseTimeout,
    initialHeader,
    initialTrailer: {},
    unwrap: (body, readMaxBytes) => (body.length > readMaxBytes ? undefined : body),
    success: (call, message) => replyWith(call, 200, message),

    failure(call, error) {
      call.responseHeader.set('content-type', contentTypeUnaryJson);
      if (!error.isWireError) {
        mergeNonProtocolHeaders(call.responseHeader, error.metadata);
      }
      return replyWith(call, codeToHttpStatus(error.code), errorToJsonBytes(error, jsonOptions));
    },
  };
}
