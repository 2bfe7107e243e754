import type { HandlerContext } from '@connectrpc/connect';
import { type CallTrace, parseCallTrace } from '../base/call-trace.ts';
import { readCallHeader } from './call-header.ts';

/** The trace that the caller sent, undefined when it sent none or none that is valid. */
export function readCallTrace(context: HandlerContext): CallTrace | undefined {
  const traceparent = readCallHeader(context, 'traceparent');
  const requestId = readCallHeader(context, 'x-request-id');
  return traceparent === undefined && requestId === undefined
    ? undefined
    : parseCallTrace({ traceparent, tracestate: readCallHeader(context, 'tracestate'), requestId });
}
