import type { DescMethod } from '@bufbuild/protobuf';
import { Code, type ConnectError, type Interceptor } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { type CallTrace, parseCallTrace } from '../base/call-trace.ts';
import type { Span, StartSpan } from '../base/span.ts';
import { toConnectError } from '../contracts/error-mapping.ts';
import { SimulatedFault } from '../contracts/steering/simulated-answer.ts';
import { type RecordRefusal, requestIdHeader } from './transport/refusals.ts';

/* Calls about payments, as spans. */

/** Whose calls have spans, in both contracts: those of testers, of probes and of reflection are no part of a payment. */
const tracedService = 'payment.v1.PaymentService';

/** The codes with which OpenTelemetry marks the span of a server as failed; the others are mistakes of callers. */
const serverErrors: ReadonlySet<Code> = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

type ReadHeader = (name: string) => string | undefined;

/**
 * The interceptor that makes a span of each call, the outermost. The span takes the caller's place in the headers of
 * the request, so that whoever reads them, for the payment or for a line of the log, goes on from there.
 */
export function createSpanInterceptor(startSpan: StartSpan): Interceptor {
  return (next) => (request) => {
    if (request.method.parent.typeName !== tracedService) {
      return next(request);
    }
    const { header } = request;
    const span = startCallSpan(startSpan, request.method, (name) => header.get(name) ?? undefined);
    putTrace(header, span.trace);
    return next(request).then(
      (response) => {
        endCallSpan(span, undefined);
        return response;
      },
      (error: unknown) => {
        endCallSpan(span, toConnectError(error));
        throw error;
      },
    );
  };
}

/** Makes spans of calls that no interceptor sees, because they are refused before. */
export function traceRefusals(startSpan: StartSpan, record: RecordRefusal): RecordRefusal {
  return (call, error) => {
    const { method, startedAtMs } = call;
    if (method?.parent.typeName !== tracedService) {
      return record(call, error);
    }
    const span = startCallSpan(startSpan, method, (name) => call.readHeader(name), startedAtMs);
    const readHeader = (name: string) =>
      name === 'traceparent' ? span.trace.traceparent : call.readHeader(name);
    const refusal = record({ method, path: call.path, startedAtMs, readHeader }, error);
    endCallSpan(span, refusal);
    return refusal;
  };
}

function startCallSpan(
  startSpan: StartSpan,
  method: DescMethod,
  readHeader: ReadHeader,
  startedAtMs?: number,
): Span {
  const name = `${method.parent.typeName}/${method.name}`;
  const parent = parseCallTrace({
    traceparent: readHeader('traceparent'),
    tracestate: readHeader('tracestate'),
    requestId: readHeader(requestIdHeader),
  });
  const isGrpc = readHeader('content-type')?.startsWith('application/grpc') === true;
  return startSpan({
    name,
    kind: 'server',
    parent,
    attributes: {
      'rpc.system.name': isGrpc ? 'grpc' : 'connectrpc',
      'rpc.method': name,
      'payment_sim.request_id': parent?.requestId,
    },
    ...(startedAtMs !== undefined && { startedAtMs }),
  });
}

/** @param failure undefined when the call succeeded. */
function endCallSpan(span: Span, failure: ConnectError | undefined): void {
  if (failure === undefined) {
    span.end({ 'rpc.status_code': 'OK' });
    return;
  }
  const { code, cause } = failure;
  const status = statusName(code);
  const error = serverErrors.has(code) ? status : undefined;
  const simulated = cause instanceof SimulatedFault ? true : undefined;
  span.end({ 'rpc.status_code': status, 'error.type': error, 'payment_sim.simulated': simulated }, error);
}

/** As gRPC spells it, whichever protocol the call came by: `NOT_FOUND`. */
function statusName(code: Code): string {
  return code === Code.Canceled ? 'CANCELLED' : codeToString(code).toUpperCase();
}

function putTrace(header: Headers, { traceparent, tracestate }: CallTrace): void {
  if (traceparent !== undefined) {
    header.set('traceparent', traceparent);
  }
  // What came beside no valid parent, or is none itself, belongs to nothing.
  if (tracestate === undefined) {
    header.delete('tracestate');
  } else {
    header.set('tracestate', tracestate);
  }
}
