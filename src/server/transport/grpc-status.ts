import { ConnectError } from '@connectrpc/connect';
import { headerGrpcMessage, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';

/**
 * Writes the status of a failed call, with its message escaped as the gRPC specification has it: only
 * `%` and what is not printable ASCII. Connect escapes more than that, which Go and Java undo, but
 * `@grpc/grpc-js` shows its callers `reservation_id%3A is required`.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
 */
export function setGrpcStatus(target: Headers, error: ConnectError): Headers {
  const writable = error.rawMessage.isWellFormed() ? error : toWellFormed(error);
  setTrailerStatus(target, writable);
  target.set(headerGrpcMessage, escapeGrpcMessage(writable.rawMessage));
  return target;
}

/** The error with U+FFFD for lone surrogates, for which `encodeURIComponent` throws. */
function toWellFormed(error: ConnectError): ConnectError {
  const copy = new ConnectError(error.rawMessage.toWellFormed(), error.code, error.metadata);
  copy.details = error.details;
  return copy;
}

function escapeGrpcMessage(message: string): string {
  return message.replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
}
