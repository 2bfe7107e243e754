import type { DescMethod } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';

/** On answers of failed calls: the `request_id` of the log line. */
export const requestIdHeader = 'x-request-id';

/** What is known of a call that ended before its message could be read. */
export interface RefusedCall {
  /** Undefined when the path is of no method. */
  readonly method: DescMethod | undefined;
  /** As it was sent, and so of any length. */
  readonly path: string;
  /** By `performance.now()`. */
  readonly startedAtMs: number;
  /** @param name in lower case. */
  readHeader(name: string): string | undefined;
}

/**
 * Counts and logs a call that no interceptor has seen.
 *
 * @returns the error as it is to be sent: with a request id, its message cut if it is long.
 */
export type RecordRefusal = (call: RefusedCall, error: ConnectError) => ConnectError;
