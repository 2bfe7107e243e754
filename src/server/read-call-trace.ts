import type { HandlerContext } from '@connectrpc/connect';
import { type CallTrace, parseCallTrace } from '../base/call-trace.ts';
import { headerOf } from './call-header.ts';

/** The trace that the caller sent; costs two look-ups when it sent none. */
export function readCallTrace(context: HandlerContext): CallTrace | undefined {
  const traceparent = headerOf(context, 'traceparent');
  const requestId = headerOf(context, 'x-request-id');
  return traceparent === undefined && requestId === undefined
    ? undefined
    : parseCallTrace({ traceparent, tracestate: headerOf(context, 'tracestate'), requestId });
}
