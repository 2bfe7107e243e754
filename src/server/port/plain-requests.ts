import type { IncomingMessage, RequestListener } from 'node:http';
import { splitTarget } from '../transport/request-target.ts';

/** What comes to the port over HTTP/1.1 and is no call: probes, of those who know no gRPC. */
export interface PlainRequests {
  /** By GET or HEAD. */
  readonly paths: Pick<ReadonlySet<string>, 'has'>;
  readonly listener: RequestListener;
}

/** Whether a request is one of them. */
export function isPlainRequest({ paths }: PlainRequests, { method, url }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && paths.has(splitTarget(url).path);
}
