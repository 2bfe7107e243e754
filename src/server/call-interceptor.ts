import type { DescMethod } from '@bufbuild/protobuf';
import { Code, type ConnectError, type Interceptor } from '@connectrpc/connect';
import { parseCallTrace, traceFields } from '../base/call-trace.ts';
import type { IdGenerator } from '../base/ids.ts';
import { toConnectError } from '../contracts/error-mapping.ts';
import { type CallMetrics, grpcCodeName } from '../observability/call-metrics.ts';
import type { Logger } from '../observability/logger.ts';

const requestIdHeader = 'x-request-id';

/** What is read of a request. */
interface ObservedCall {
  readonly method: DescMethod;
  readonly header: Headers;
}

/** Where calls are counted and failures logged. */
interface CallObserver {
  readonly logger: Logger;
  readonly metrics: CallMetrics;
  readonly newId: IdGenerator;
}

/**
 * The interceptor of every call: maps its error to a `ConnectError`, counts and times it, and logs a
 * failure.
 *
 * @param newId makes the request ids of failed calls whose caller sent none.
 */
export function createCallInterceptor(logger: Logger, metrics: CallMetrics, newId: IdGenerator): Interceptor {
  const observer: CallObserver = { logger, metrics, newId };
  // Not async: an async function would allocate 250 bytes more per call.
  return (next) => (request) => {
    const startedAtMs = performance.now();
    metrics(request.method).started();
    return next(request).then(
      (response) => {
        if (response.stream) {
          return { ...response, message: observeStream(observer, response.message, request, startedAtMs) };
        }
        recordEnd(observer, request, startedAtMs, undefined);
        return response;
      },
      (error: unknown) => {
        const failure = toConnectError(error);
        recordEnd(observer, request, startedAtMs, failure);
        throw failure;
      },
    );
  };
}

/** Passes the messages of a response on; the call ends when they do. */
async function* observeStream<T>(
  observer: CallObserver,
  messages: AsyncIterable<T>,
  call: ObservedCall,
  startedAtMs: number,
): AsyncGenerator<T> {
  let failure: ConnectError | undefined;
  try {
    yield* messages;
  } catch (error) {
    failure = toConnectError(error);
    throw failure;
  } finally {
    recordEnd(observer, call, startedAtMs, failure);
  }
}

function recordEnd(
  observer: CallObserver,
  call: ObservedCall,
  startedAtMs: number,
  failure: ConnectError | undefined,
): void {
  const seconds = (performance.now() - startedAtMs) / 1000;
  observer.metrics(call.method).handled(failure?.code, seconds);
  if (failure !== undefined) {
    logFailure(observer, call, failure, seconds);
  }
}

/** The line and the answer have the same request id: the caller's, or one that is made here. */
function logFailure(
  { logger, newId }: CallObserver,
  { method, header }: ObservedCall,
  failure: ConnectError,
  seconds: number,
): void {
  const trace = parseCallTrace({
    traceparent: header.get('traceparent') ?? undefined,
    tracestate: undefined,
    requestId: header.get(requestIdHeader) ?? undefined,
  });
  const requestId = trace?.requestId ?? newId('req');
  failure.metadata.set(requestIdHeader, requestId);
  const fields = {
    grpc_service: method.parent.typeName,
    grpc_method: method.name,
    grpc_code: grpcCodeName(failure.code),
    latency_ms: Math.round(seconds * 1e6) / 1e3,
    ...traceFields(trace),
    request_id: requestId,
  };
  if (failure.code === Code.Internal || failure.code === Code.Unknown) {
    logger.error({ ...fields, err: failure.cause ?? failure }, 'Call failed');
  } else {
    // Health checks and reflection are refused in normal operation too, as often as a probe asks for
    // a name that does not exist. At `info` their lines would hide those of payments.
    const level = method.parent.typeName.startsWith('grpc.') ? 'debug' : 'info';
    logger[level]({ ...fields, error: failure.rawMessage }, 'Call refused');
  }
}
