import type { HandlerContext } from '@connectrpc/connect';
import { LaneCall } from './lane/lane-call.ts';

/**
 * One header of the request, or undefined. In the lane it is read from Node's own headers:
 * `context.requestHeader` would convert all of them to web `Headers` first, a microsecond per call.
 *
 * @param name in lower case.
 */
export function readCallHeader(context: HandlerContext, name: string): string | undefined {
  return context instanceof LaneCall
    ? context.headerValue(name)
    : (context.requestHeader.get(name) ?? undefined);
}
