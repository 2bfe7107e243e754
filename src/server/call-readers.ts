import { type ContextValues, createContextKey, type HandlerContext } from '@connectrpc/connect';
import { type CallTrace, parseCallTrace } from '../base/call-trace.ts';
import type { CallDecision } from '../contracts/call-readers.ts';
import { LaneCall } from './lane/lane-call.ts';
import { LaneRequest } from './lane/lane-messages.ts';
import { dropCallKey } from './transport/drop-call.ts';

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

/** Whether the request has any of the headers, which are named in lower case. Nearly none has. */
export function hasAnyCallHeader(context: HandlerContext, names: readonly string[]): boolean {
  return context instanceof LaneCall
    ? context.hasAnyHeader(names)
    : names.some((name) => context.requestHeader.has(name));
}

/** Ends a call without an answer: resets its stream, or closes its connection over HTTP/1.1. */
export function dropCall(context: HandlerContext): void {
  if (context instanceof LaneCall) {
    context.drop();
  } else {
    context.values.get(dropCallKey)();
  }
}

const decisionKey = createContextKey<CallDecision | undefined>(undefined, {
  description: 'what testers have decided of the call',
});

/** Notes what testers have decided of a call, for `readDecision`. */
export function noteDecision(context: HandlerContext, decision: CallDecision): void {
  context.values.set(decisionKey, decision);
}

/** What testers have decided of a call; undefined for nothing. Makes no values where nobody has set any. */
export function readDecision(request: { readonly contextValues: ContextValues }): CallDecision | undefined {
  const values = request instanceof LaneRequest ? request.ownValues : request.contextValues;
  return values?.get(decisionKey);
}

/** The trace that the caller sent, undefined when it sent none or none that is valid. */
export function readCallTrace(context: HandlerContext): CallTrace | undefined {
  const traceparent = readCallHeader(context, 'traceparent');
  const requestId = readCallHeader(context, 'x-request-id');
  return traceparent === undefined && requestId === undefined
    ? undefined
    : parseCallTrace({ traceparent, tracestate: readCallHeader(context, 'tracestate'), requestId });
}
