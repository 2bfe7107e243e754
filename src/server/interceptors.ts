import type { DescMethod } from '@bufbuild/protobuf';
import { Code, type ConnectError, type Interceptor } from '@connectrpc/connect';
import type { IdGenerator } from '../base/ids.ts';
import { type CallMetrics, grpcCodeName } from '../observability/call-metrics.ts';
import type { Logger } from '../observability/logger.ts';
import { parseCallTrace, traceFields } from '../base/call-trace.ts';
import { toConnectError } from '../contracts/error-mapping.ts';

const requestIdHeader = 'x-request-id';

/** What is looked at of a request. */
interface Call {
  readonly method: DescMethod;
  readonly header: Headers;
}

/** What every call passes through: its errors are mapped, it is counted and timed, failures are logged. */
export function createInterceptors(logger: Logger, calls: CallMetrics, newId: IdGenerator): Interceptor[] {
  return [createCallInterceptor(logger, calls, newId)];
}

function createCallInterceptor(logger: Logger, calls: CallMetrics, newId: IdGenerator): Interceptor {
  // Not async: that would make 250 bytes of garbage per call.
  return (next) => (request) => {
    const startedAt = performance.now();
    calls(request.method).started();
    return next(request).then(
      (response) => {
        if (response.stream) {
          return { ...response, message: observeStream(response.message, request, startedAt) };
        }
        finish(request, startedAt, undefined);
        return response;
      },
      (error: unknown) => {
        const failure = toConnectError(error);
        finish(request, startedAt, failure);
        throw failure;
      },
    );
  };

  async function* observeStream<T>(
    messages: AsyncIterable<T>,
    call: Call,
    startedAt: number,
  ): AsyncGenerator<T> {
    let failure: ConnectError | undefined;
    try {
      yield* messages;
    } catch (error) {
      failure = toConnectError(error);
      throw failure;
    } finally {
      finish(call, startedAt, failure);
    }
  }

  function finish(call: Call, startedAt: number, failure: ConnectError | undefined): void {
    const seconds = (performance.now() - startedAt) / 1000;
    calls(call.method).handled(failure?.code, seconds);
    if (failure !== undefined) {
      logFailure(call, failure, seconds);
    }
  }

  /** The line and the answer bear one request id, made here unless the caller sent one. */
  function logFailure({ method, header }: Call, failure: ConnectError, seconds: number): void {
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
      // Probes and tools ask gRPC's own services all the time, and for what is not there as well.
      const level = method.parent.typeName.startsWith('grpc.') ? 'debug' : 'info';
      logger[level]({ ...fields, error: failure.rawMessage }, 'Call refused');
    }
  }
}
