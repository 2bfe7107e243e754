import type { DescMethod } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type { Registry } from 'prom-client';
import { type CounterSeries, createSeriesCounter, createSeriesHistogram } from './series.ts';

/** Counts and times the calls of one method. */
interface MethodMetrics {
  started(): void;
  /** The call ended; undefined is OK. */
  handled(code: Code | undefined, seconds: number): void;
}

/** The metrics of a method, the same object for the same name; undefined for calls to none that exists. */
export type CallMetrics = (method: DescMethod | undefined) => MethodMetrics;

/**
 * Service and method of calls to a method that does not exist. gRPC's own name for them: what a caller makes
 * up must not become a label value, each of which is a series for as long as the process lives.
 * https://github.com/grpc/proposal/blob/master/A66-otel-stats.md
 */
export const otherMethod = 'other';

/** Upper bounds in seconds; go-grpc-prometheus' own, so that existing dashboards fit. */
const handlingBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * The codes that are counted from 0 on: OK and those of docs/reference/errors.md. A series that appears with its
 * first call would hide that call from Prometheus' `rate`.
 */
const usualCodes: readonly (Code | undefined)[] = [
  undefined,
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.ResourceExhausted,
  Code.Unavailable,
  Code.Internal,
];

const callLabels = ['grpc_type', 'grpc_service', 'grpc_method'] as const;

/** The metrics that go-grpc-prometheus has, with its names and labels. */
export function createCallMetrics(registry: Registry): CallMetrics {
  const started = createSeriesCounter(registry, {
    name: 'grpc_server_started_total',
    help: 'Total number of RPCs started on the server.',
    labelNames: callLabels,
  });
  const handled = createSeriesCounter(registry, {
    name: 'grpc_server_handled_total',
    help: 'Total number of RPCs completed on the server, regardless of success or failure.',
    labelNames: [...callLabels, 'grpc_code'],
  });
  const handlingSeconds = createSeriesHistogram(registry, {
    name: 'grpc_server_handling_seconds',
    help: 'Response latency in seconds of RPCs handled by the server.',
    labelNames: callLabels,
    buckets: handlingBuckets,
  });

  function createMethodMetrics(method: DescMethod | undefined): MethodMetrics {
    const labels = {
      grpc_type: grpcTypes[method?.methodKind ?? 'unary'],
      grpc_service: method?.parent.typeName ?? otherMethod,
      grpc_method: method?.name ?? otherMethod,
    };
    const startedSeries = started.series(labels);
    const secondsSeries = handlingSeconds.series(labels);
    const handledSeries = new Map<Code | undefined, CounterSeries>();
    function seriesOf(code: Code | undefined): CounterSeries {
      let series = handledSeries.get(code);
      if (series === undefined) {
        series = handled.series({ ...labels, grpc_code: grpcCodeName(code) });
        handledSeries.set(code, series);
      }
      return series;
    }
    for (const code of usualCodes) {
      seriesOf(code);
    }
    return {
      started: () => startedSeries.inc(),
      handled(code, seconds) {
        seriesOf(code).inc();
        secondsSeries.observe(seconds);
      },
    };
  }

  const byMethod = new Map<DescMethod | undefined, MethodMetrics>();
  const byName = new Map<string, MethodMetrics>();
  return (method) => {
    let metrics = byMethod.get(method);
    if (metrics === undefined) {
      // Two contracts have methods of the same name, and a series may be there once.
      const name = method === undefined ? otherMethod : `${method.parent.typeName}/${method.name}`;
      metrics = byName.get(name) ?? createMethodMetrics(method);
      byName.set(name, metrics);
      byMethod.set(method, metrics);
    }
    return metrics;
  };
}

/** go-grpc-prometheus' spelling of the kinds of methods. */
const grpcTypes: Readonly<Record<DescMethod['methodKind'], string>> = {
  unary: 'unary',
  server_streaming: 'server_stream',
  client_streaming: 'client_stream',
  bidi_streaming: 'bidi_stream',
};

/** Go's spelling of the codes, which is that of Connect's enum; undefined is OK. */
export function grpcCodeName(code: Code | undefined): string {
  return code === undefined ? 'OK' : Code[code];
}
