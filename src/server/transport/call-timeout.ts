import type { IncomingHttpHeaders } from 'node:http';
import { Code, ConnectError } from '@connectrpc/connect';
import { parseTimeout as parseConnectTimeout } from '@connectrpc/connect/protocol-connect';
import { parseTimeout as parseGrpcTimeout } from '@connectrpc/connect/protocol-grpc';

/** Longest deadline of a call, in milliseconds: an hour. */
export const maxCallTimeoutMs = 3_600_000;

/**
 * Deletes deadlines beyond `maxCallTimeoutMs` from a request's headers. No call here lasts nearly as
 * long, so such a call needs no timer. Connect would refuse it, and without that limit its timer would
 * overflow Node's (2^31-1 ms) and fire at once. gRPC clients do send `99999999H` for "no deadline".
 */
export function dropEndlessTimeouts(headers: IncomingHttpHeaders): void {
  const grpcTimeout = headers['grpc-timeout'];
  if (typeof grpcTimeout === 'string' && isEndless(parseGrpcTimeout(grpcTimeout, maxCallTimeoutMs))) {
    delete headers['grpc-timeout'];
  }
  const connectTimeout = headers['connect-timeout-ms'];
  if (
    typeof connectTimeout === 'string' &&
    isEndless(parseConnectTimeout(connectTimeout, maxCallTimeoutMs))
  ) {
    delete headers['connect-timeout-ms'];
  }
}

/**
 * What a call is answered instead of being carried out when nothing is left of its caller's deadline, as of `0S` or
 * `1n`: its caller sees DEADLINE_EXCEEDED whatever it is told, and must not find later that it was done all the same.
 *
 * @param remainingMs what is left, in milliseconds; undefined without a deadline.
 */
export function refuseLateCall(remainingMs: number | undefined): ConnectError | undefined {
  return remainingMs !== undefined && remainingMs <= 0
    ? new ConnectError('the operation timed out', Code.DeadlineExceeded)
    : undefined;
}

function isEndless({ timeoutMs }: { timeoutMs?: number }): boolean {
  return timeoutMs !== undefined && timeoutMs > maxCallTimeoutMs;
}
