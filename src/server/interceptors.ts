import type { DescMethod } from '@bufbuild/protobuf';
import { Code, type ConnectError, type Interceptor } from '@connectrpc/connect';
import { type CallMetrics, grpcCodeName } from '../observability/call-metrics.ts';
import type { Logger } from '../observability/logger.ts';
import { toConnectError } from './error-mapping.ts';

/** What every call passes through: its errors are mapped, it is counted and timed, failures are logged. */
export function createInterceptors(logger: Logger, calls: CallMetrics): Interceptor[] {
  return [createCallInterceptor(logger, calls)];
}

function createCallInterceptor(logger: Logger, calls: CallMetrics): Interceptor {
  return (next) => async (request) => {
    const startedAt = performance.now();
    const { method } = request;
    calls(method).started();
    try {
      const response = await next(request);
      if (!response.stream) {
        finish(method, startedAt, undefined);
        return response;
      }
      return { ...response, message: observeStream(response.message, method, startedAt) };
    } catch (error) {
      const failure = toConnectError(error);
      finish(method, startedAt, failure);
      throw failure;
    }
  };

  async function* observeStream<T>(
    messages: AsyncIterable<T>,
    method: DescMethod,
    startedAt: number,
  ): AsyncGenerator<T> {
    let failure: ConnectError | undefined;
    try {
      yield* messages;
    } catch (error) {
      failure = toConnectError(error);
      throw failure;
    } finally {
      finish(method, startedAt, failure);
    }
  }

  function finish(method: DescMethod, startedAt: number, failure: ConnectError | undefined): void {
    const seconds = (performance.now() - startedAt) / 1000;
    calls(method).handled(failure?.code, seconds);
    if (failure !== undefined) {
      logFailure(method, failure, seconds);
    }
  }

  function logFailure(method: DescMethod, failure: ConnectError, seconds: number): void {
    const fields = {
      grpc_service: method.parent.typeName,
      grpc_method: method.name,
      grpc_code: grpcCodeName(failure.code),
      latency_ms: Math.round(seconds * 1e6) / 1e3,
    };
    if (failure.code === Code.Internal || failure.code === Code.Unknown) {
      logger.error({ ...fields, err: failure.cause ?? failure }, 'Call failed');
    } else {
      logger.info({ ...fields, error: failure.rawMessage }, 'Call refused');
    }
  }
}
