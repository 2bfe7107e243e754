import type { ConnectError } from '@connectrpc/connect';
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  errorToJsonBytes,
} from '@connectrpc/connect/protocol-connect';
import { setGrpcStatus } from '../transport/grpc-status.ts';
import { requestIdHeader } from '../transport/refusals.ts';

/** A content type of gRPC or gRPC-Web without what a caller may add to it. */
const grpcContentType = /^application\/grpc(-web(-text)?)?(\+(proto|json)\b)?/i;

/** An answer that is whole before it is sent. */
export interface ErrorAnswer {
  readonly status: number;
  readonly header: Headers;
  readonly body: Uint8Array | undefined;
}

/**
 * The answer with an error to a call that has reached no handler, in the caller's protocol. Over gRPC that
 * is Trailers-Only: from a plain 404 its clients would read neither code nor message.
 *
 * @param contentType of the request; undefined and whatever is not gRPC's get Connect's form.
 * @param status the HTTP status in Connect's form; that of the code by default.
 */
export function createErrorAnswer(
  contentType: string | undefined,
  error: ConnectError,
  status: number = codeToHttpStatus(error.code),
): ErrorAnswer {
  const grpc = grpcContentType.exec(contentType ?? '')?.[0];
  if (grpc !== undefined) {
    return {
      status: 200,
      header: setGrpcStatus(new Headers({ 'content-type': grpc }), error),
      body: undefined,
    };
  }
  const body = errorToJsonBytes(error, undefined);
  const header = new Headers({
    'content-type': contentTypeUnaryJson,
    'content-length': String(body.length),
    [requestIdHeader]: error.metadata.get(requestIdHeader) ?? '',
  });
  return { status, header, body };
}
