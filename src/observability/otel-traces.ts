import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind as OtelKind,
  SpanStatusCode,
  trace as otel,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { CallTrace } from '../base/call-trace.ts';
import { describeError } from '../base/error-text.ts';
import type { Span, SpanAttributes, SpanKind, StartSpan } from '../base/span.ts';
import type { Traces, TracesParts } from './traces.ts';
import type { TracesConfig } from './traces-config.ts';

/*
 * The only file that imports OpenTelemetry, and itself imported only where spans are made. Nothing is registered
 * globally: several services may run in one process, and whoever embeds one may have an OpenTelemetry of its own.
 */

/** Between two lines about spans that were lost, in milliseconds. */
const warnEveryMs = 60_000;
/** What an export ends with whose spans were taken. */
const success = 0;

const kinds: Readonly<Record<SpanKind, OtelKind>> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
};

/** Makes spans with OpenTelemetry, and sends them to a collector by OTLP over HTTP. */
export function createOtelTraces(
  config: TracesConfig & { readonly url: string },
  parts: TracesParts,
): Traces {
  const provider = new TracerProvider({
    resource: resourceOf(config, parts),
    sampler: samplerOf(config),
    spanProcessors: [createProcessor(config, createLossLine(parts))],
  });
  const tracer = provider.getTracer('payment-sim');
  return {
    startSpan: (start) => startSpan(tracer, start),
    close: () =>
      provider.shutdown().catch(() => {
        // What was lost has been told of.
      }),
  };
}

function startSpan(
  tracer: Tracer,
  { name, kind, parent, attributes, startedAtMs }: Parameters<StartSpan>[0],
): Span {
  const options = {
    kind: kinds[kind],
    attributes: known(attributes),
    ...(startedAtMs !== undefined && { startTime: startedAtMs }),
  };
  const span = tracer.startSpan(name, options, contextOf(parent));
  return {
    trace: traceOf(span, parent),
    end(endAttributes, error) {
      if (endAttributes !== undefined) {
        span.setAttributes(known(endAttributes));
      }
      if (error !== undefined) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      }
      span.end();
    },
  };
}

/** A parent always comes from elsewhere, if only from a payment that was stored in between. */
function contextOf(parent: CallTrace | undefined): Context {
  if (parent?.traceparent === undefined) {
    return ROOT_CONTEXT;
  }
  const [, traceId = '', spanId = '', flags = ''] = parent.traceparent.split('-');
  return otel.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(parent.tracestate !== undefined && { traceState: createTraceState(parent.tracestate) }),
  });
}

function traceOf(span: OtelSpan, parent: CallTrace | undefined): CallTrace {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const tracestate = traceState?.serialize();
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    tracestate: tracestate === '' ? undefined : tracestate,
    requestId: parent?.requestId,
  };
}

function known(attributes: SpanAttributes): Attributes {
  const given: Attributes = {};
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    if (value !== undefined) {
      given[name] = value;
    }
  }
  return given;
}

/** OTEL_SERVICE_NAME goes before OTEL_RESOURCE_ATTRIBUTES, as OpenTelemetry says. */
function resourceOf({ serviceName }: TracesConfig, parts: TracesParts): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': parts.serviceName }))
    .merge(detectResources({ detectors: [serviceInstanceIdDetector, resourceAttributesEnvDetector] }))
    .merge(resourceFromAttributes(serviceName === undefined ? {} : { 'service.name': serviceName }));
}

function samplerOf({ sampler, samplerRatio }: TracesConfig): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(samplerRatio);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(samplerRatio) });
  }
}

/**
 * Gathers spans and exports them. OpenTelemetry tells of what is lost on the way only by a logger of its own, which
 * is global: so exports are watched here, and what is dropped for want of room is counted as the queue does it.
 */
function createProcessor(
  { url, batch }: TracesConfig & { readonly url: string },
  tellLoss: (spans: number, error: unknown) => void,
): SpanProcessor {
  const exporter = new OTLPTraceExporter({ url });
  let waiting = 0;
  const queue = new BatchSpanProcessor({
    ...batch,
    exporter: {
      export(spans, onEnd) {
        waiting -= spans.length;
        exporter.export(spans, (result) => {
          // OpenTelemetry's name for success is in a package that nothing else here needs.
          const code: number = result.code;
          if (code !== success) {
            tellLoss(spans.length, result.error ?? 'no reason given');
          }
          onEnd(result);
        });
      },
      shutdown: () => exporter.shutdown(),
      forceFlush: () => exporter.forceFlush(),
    },
  });
  return {
    onStart: (span, context) => queue.onStart(span, context),
    onEnd(span) {
      if (waiting < batch.maxQueueSize) {
        waiting += 1;
      } else {
        tellLoss(1, `${batch.maxQueueSize} spans were waiting already`);
      }
      queue.onEnd(span);
    },
    forceFlush: () => queue.forceFlush(),
    shutdown: () => queue.shutdown(),
  };
}

/** Writes the line about spans that are lost, once in a while, with all that were since the last one. */
function createLossLine({ machine, logger }: TracesParts): (spans: number, error: unknown) => void {
  let lost = 0;
  let toldAt = -Infinity;
  return (spans, error) => {
    lost += spans;
    if (machine.monotonic() - toldAt >= warnEveryMs) {
      logger.warn({ spans: lost, error: describeError(error) }, 'Spans did not reach the collector');
      toldAt = machine.monotonic();
      lost = 0;
    }
  };
}
