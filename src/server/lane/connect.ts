import { mergeNonProtocolHeaders } from '@connectrpc/connect/protocol';
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  contentTypeUnaryProto,
  errorToJsonBytes,
  parseTimeout,
  trailerMux,
} from '@connectrpc/connect/protocol-connect';
import type { JsonWriteOptions } from '@bufbuild/protobuf';
import type { OutgoingHttpHeaders } from 'node:http';
import { toNodeHeaders } from './header-conversion.ts';
import type { LaneCall } from './lane-call.ts';
import type { LaneProtocol, LaneReply, ResponseCompression } from './lane-protocol.ts';

async function reply(
  status: number,
  headers: OutgoingHttpHeaders,
  plainBody: Uint8Array,
  { compression, minBytes }: ResponseCompression,
): Promise<LaneReply> {
  let body = plainBody;
  if (compression !== null && body.byteLength >= minBytes) {
    body = await compression.compress(body);
    headers['content-encoding'] = compression.name;
  }
  headers['content-length'] = String(body.byteLength);
  return { status, headers, body, trailers: undefined };
}

function headersOf(call: LaneCall): OutgoingHttpHeaders {
  return toNodeHeaders(trailerMux(call.responseHeader, call.responseTrailer));
}

/** Connect: the bare message as the body, the outcome as the HTTP status, errors as JSON. */
export function createConnectLane(jsonOptions: Partial<JsonWriteOptions>): LaneProtocol {
  return {
    name: 'connect',
    encodingHeader: 'content-encoding',
    acceptEncodingHeader: 'accept-encoding',
    timeoutHeader: 'connect-timeout-ms',
    parseTimeout,
    initialTrailer: {},
    unwrap: (body, readMaxBytes) => (body.length > readMaxBytes ? undefined : body),
    initialHeader: (binary) => ({ 'content-type': binary ? contentTypeUnaryProto : contentTypeUnaryJson }),

    success(call, message, binary, response) {
      const headers = call.hasOwnMetadata ? headersOf(call) : this.initialHeader(binary, null);
      if (response.compression === null || message.byteLength < response.minBytes) {
        return {
          status: 200,
          headers: { ...headers, 'content-length': message.byteLength },
          body: message,
          trailers: undefined,
        };
      }
      return reply(200, headers, message, response);
    },

    failure(call, error, _binary, response) {
      call.responseHeader.set('content-type', contentTypeUnaryJson);
      if (!error.isWireError) {
        mergeNonProtocolHeaders(call.responseHeader, error.metadata);
      }
      const body = errorToJsonBytes(error, jsonOptions);
      return reply(codeToHttpStatus(error.code), headersOf(call), body, response);
    },
  };
}
