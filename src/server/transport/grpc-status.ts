import { ConnectError } from '@connectrpc/connect';
import {
  headerContentType,
  headerEncoding,
  headerGrpcMessage,
  headerStatusDetailsBin,
  setTrailerStatus,
} from '@connectrpc/connect/protocol-grpc';

/**
 * Longest `grpc-status-details-bin`, in bytes of base64. Longer details are left out: the message tells what
 * they tell, and a block of headers that a client refuses tells nothing.
 */
const maxDetailsBytes = 4_096;

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
  if ((target.get(headerStatusDetailsBin) ?? '').length > maxDetailsBytes) {
    target.delete(headerStatusDetailsBin);
  }
  return target;
}

/** The message of a status as Connect has escaped it, escaped as `setGrpcStatus` does it. */
export function reescapeGrpcMessage(trailer: Headers): void {
  const escaped = trailer.get(headerGrpcMessage);
  if (escaped !== null) {
    trailer.set(headerGrpcMessage, escapeGrpcMessage(decodeURIComponent(escaped)));
  }
}

/**
 * Header and trailer in the one block of headers that is a Trailers-Only answer. Undefined when the header
 * has metadata of the handler's: those are told apart from the trailer's by coming in a block of their own,
 * as grpc-go does it. The compression is left out: there is no message that it could be of.
 */
export function mergeTrailersOnly(header: Headers, trailer: Headers): Headers | undefined {
  const merged = new Headers(trailer);
  for (const [name, value] of header) {
    if (name === headerContentType.toLowerCase()) {
      merged.set(name, value);
    } else if (name !== headerEncoding.toLowerCase()) {
      return undefined;
    }
  }
  return merged;
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
