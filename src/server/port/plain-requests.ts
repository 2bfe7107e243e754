import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConnectionBodies } from '../transport/body-budget.ts';
import { splitTarget } from '../transport/request-target.ts';

/**
 * Answers a request that is no call.
 *
 * @param bodies of its connection.
 */
export type PlainListener = (
  request: IncomingMessage,
  response: ServerResponse,
  bodies: ConnectionBodies,
) => void;

/** What comes to the port over HTTP/1.1 and is no call: probes, of those who know no gRPC, and people. */
export interface PlainRequests {
  /** By GET or HEAD. */
  readonly paths: Pick<ReadonlySet<string>, 'has'>;
  /** Whether a target is answered whatever its method is. Asked of every HTTP/1.1 call: it must be quick. */
  readonly isOwn?: ((target: string) => boolean) | undefined;
  readonly listener: PlainListener;
}

/** Whether a request is one of them. */
export function isPlainRequest({ paths, isOwn }: PlainRequests, { method, url }: IncomingMessage): boolean {
  return (
    ((method === 'GET' || method === 'HEAD') && paths.has(splitTarget(url).path)) ||
    isOwn?.(url ?? '') === true
  );
}
