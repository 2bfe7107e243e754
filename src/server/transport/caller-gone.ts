import { Code, ConnectError } from '@connectrpc/connect';

/** What Node says to who reads or writes when the other side has gone. */
const codesOfGone: ReadonlySet<unknown> = new Set([
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
  'ECONNRESET',
  'EPIPE',
]);

/** CANCELED in place of an error that says that the caller has gone; any other as it is. */
export function asCallersError(error: unknown): unknown {
  return error instanceof Error && 'code' in error && codesOfGone.has(error.code)
    ? new ConnectError('the caller broke off', Code.Canceled, undefined, undefined, error)
    : error;
}
