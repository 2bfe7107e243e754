import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { cutText } from '../../base/cut-text.ts';

/**
 * Longest message of an error, in bytes of UTF-8; a `grpc-message` of it is three times as long at most.
 * With details of `maxDetailsBytes` that stays below the 8 KiB of headers from which on gRPC's C core and
 * grpc-java refuse an answer, and below the 16 KiB of one HTTP/2 frame.
 * https://grpc.github.io/grpc/core/group__grpc__arg__keys.html (GRPC_ARG_MAX_METADATA_SIZE)
 */
const maxMessageBytes = 1_024;

/** How Connect begins the message of what it cannot decode as binary protobuf; its code is INTERNAL. */
const undecodablePrefix = 'parse binary: ';

/**
 * The error as callers get it: in our words where Connect's are about its parser, without lone
 * surrogates, and no longer than `maxMessageBytes`, however much of the request it repeats.
 *
 * @param method that was called, undefined when there is no such method.
 */
export function presentError(error: ConnectError, method: DescMethod | undefined): ConnectError {
  if (method !== undefined && isUndecodable(error)) {
    const { typeName } = method.input;
    return new ConnectError(
      `the request is not a message ${typeName} in protobuf's binary encoding; encode it with this service's contract`,
      Code.InvalidArgument,
      error.metadata,
    );
  }
  const message = cutText(error.rawMessage.toWellFormed(), maxMessageBytes);
  if (message === error.rawMessage && !error.isWireError) {
    return error;
  }
  // Of an error that came from another server Connect sends no metadata, a request id included.
  const metadata = error.isWireError ? undefined : error.metadata;
  const presentable = new ConnectError(message, error.code, metadata, undefined, error.cause);
  presentable.details = error.details;
  return presentable;
}

function isUndecodable({ code, rawMessage }: ConnectError): boolean {
  return code === Code.Internal && rawMessage.startsWith(undecodablePrefix);
}
