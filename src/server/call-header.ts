import type { HandlerContext } from '@connectrpc/connect';
import { LaneCall } from './lane/lane-call.ts';

/**
 * One header of the request, or undefined. On the fast path it is read from Node's own headers:
 * `context.requestHeader` would make web `Headers` of all of them first, a microsecond per call.
 *
 * @param name in lower case.
 */
export function headerOf(context: HandlerContext, name: string): string | undefined {
  return context instanceof LaneCall
    ? context.headerValue(name)
    : (context.requestHeader.get(name) ?? undefined);
}
