import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { toConnectError } from './error-mapping.ts';

/** What every call passes through, outermost first: metrics and log, then the mapping of errors. */
export function createInterceptors(logger: Logger, metrics: Metrics): Interceptor[] {
  return [createObserver(logger, metrics), mapErrors];
}

const mapErrors: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    throw toConnectError(error);
  }
};

/** Counts and times calls as go-grpc-prometheus does, and logs the ones that fail. */
function createObserver(logger: Logger, metrics: Metrics): Interceptor {
  return (next) => async (request) => {
    const startedAt = performance.now();
    const labels = callLabels(request.method);
    metrics.callsStarted.inc(labels);
    try {
      const response = await next(request);
      if (!response.stream) {
        finish(request.method, startedAt, undefined);
        return response;
      }
      return { ...response, message: observeStream(response.message, request.method, startedAt) };
    } catch (error) {
      finish(request.method, startedAt, error);
      throw error;
    }
  };

  async function* observeStream<T>(
    messages: AsyncIterable<T>,
    method: DescMethod,
    startedAt: number,
  ): AsyncGenerator<T> {
    let failure: unknown;
    try {
      yield* messages;
    } catch (error) {
      failure = toConnectError(error);
      throw failure;
    } finally {
      finish(method, startedAt, failure);
    }
  }

  function finish(method: DescMethod, startedAt: number, failure: unknown): void {
    const labels = callLabels(method);
    const seconds = (performance.now() - startedAt) / 1000;
    const code = failure === undefined ? 'OK' : grpcCodeNames[ConnectError.from(failure).code];
    metrics.callsHandled.inc({ ...labels, grpc_code: code });
    metrics.callSeconds.observe(labels, seconds);
    if (failure !== undefined) {
      logFailure(method, code, ConnectError.from(failure), seconds);
    }
  }

  function logFailure(method: DescMethod, code: string, failure: ConnectError, seconds: number): void {
    const fields = {
      grpc_service: method.parent.typeName,
      grpc_method: method.name,
      grpc_code: code,
      latency_ms: Math.round(seconds * 1e6) / 1e3,
    };
    if (failure.code === Code.Internal || failure.code === Code.Unknown) {
      logger.error({ ...fields, err: failure.cause ?? failure }, 'Call failed');
    } else {
      logger.info({ ...fields, error: failure.rawMessage }, 'Call refused');
    }
  }
}

interface CallLabels {
  readonly grpc_type: string;
  readonly grpc_service: string;
  readonly grpc_method: string;
}

const labelsByMethod = new WeakMap<DescMethod, CallLabels>();

function callLabels(method: DescMethod): CallLabels {
  let labels = labelsByMethod.get(method);
  if (labels === undefined) {
    labels = {
      grpc_type: grpcTypes[method.methodKind],
      grpc_service: method.parent.typeName,
      grpc_method: method.name,
    };
    labelsByMethod.set(method, labels);
  }
  return labels;
}

/** go-grpc-prometheus' spelling of the kinds of methods. */
const grpcTypes: Readonly<Record<DescMethod['methodKind'], string>> = {
  unary: 'unary',
  server_streaming: 'server_stream',
  client_streaming: 'client_stream',
  bidi_streaming: 'bidi_stream',
};

/** Go's spelling of the codes. */
const grpcCodeNames: Readonly<Record<Code, string>> = {
  [Code.Canceled]: 'Canceled',
  [Code.Unknown]: 'Unknown',
  [Code.InvalidArgument]: 'InvalidArgument',
  [Code.DeadlineExceeded]: 'DeadlineExceeded',
  [Code.NotFound]: 'NotFound',
  [Code.AlreadyExists]: 'AlreadyExists',
  [Code.PermissionDenied]: 'PermissionDenied',
  [Code.ResourceExhausted]: 'ResourceExhausted',
  [Code.FailedPrecondition]: 'FailedPrecondition',
  [Code.Aborted]: 'Aborted',
  [Code.OutOfRange]: 'OutOfRange',
  [Code.Unimplemented]: 'Unimplemented',
  [Code.Internal]: 'Internal',
  [Code.Unavailable]: 'Unavailable',
  [Code.DataLoss]: 'DataLoss',
  [Code.Unauthenticated]: 'Unauthenticated',
};
