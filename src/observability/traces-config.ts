import type { EnvironmentReader } from '../base/env/config-reader.ts';
import { readHttpUrlVariable } from '../base/env/http-url-variable.ts';

const samplers = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;
const protocol = 'http/protobuf';
const dayMs = 86_400_000;

/** Whether spans are made, and where they go. */
export type TracesConfig = Readonly<ReturnType<typeof readTracesConfig>>;

/**
 * Reads OpenTelemetry's variables as its specification has them, but for those that its packages read by
 * themselves from the environment of the process: headers, timeout, compression, certificates and
 * `OTEL_RESOURCE_ATTRIBUTES`. Mistakes are noted in `read`, those of variables that count for nothing too.
 */
export function readTracesConfig(read: EnvironmentReader) {
  const isDisabled = read.oneOf('OTEL_SDK_DISABLED', ['true', 'false'], 'false') === 'true';
  const exporter = read.oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none'], 'otlp');
  const enabled = !isDisabled && exporter === 'otlp';
  const config = {
    enabled,
    /** Where spans are sent. Undefined: nowhere, and none are made. */
    url: readTracesUrl(read),
    /** Undefined: what OTEL_RESOURCE_ATTRIBUTES says, or the name of the process. */
    serviceName: read.optionalText('OTEL_SERVICE_NAME'),
    sampler: read.oneOf('OTEL_TRACES_SAMPLER', samplers, 'parentbased_always_on'),
    /** Of traces that begin here, for the samplers with a ratio. */
    samplerRatio: read.fraction('OTEL_TRACES_SAMPLER_ARG', 1),
    /** How spans are gathered; times in milliseconds. */
    batch: {
      scheduledDelayMillis: read.integer('OTEL_BSP_SCHEDULE_DELAY', 5_000, 0, dayMs),
      exportTimeoutMillis: read.integer('OTEL_BSP_EXPORT_TIMEOUT', 30_000, 1, dayMs),
      /** Spans that wait; what comes beyond it is dropped. */
      maxQueueSize: read.integer('OTEL_BSP_MAX_QUEUE_SIZE', 2_048, 1, 1_000_000),
      maxExportBatchSize: read.integer('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, 1, 1_000_000),
    },
  };
  checkProtocol(read, enabled);
  if (config.batch.maxExportBatchSize > config.batch.maxQueueSize) {
    read.mistake('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'must not be above OTEL_BSP_MAX_QUEUE_SIZE');
  }
  return config;
}

/** The address for traces alone is called as it is; the one for all signals is a base. */
function readTracesUrl(read: EnvironmentReader): string | undefined {
  const base = readHttpUrlVariable(read, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (base !== undefined && /[?#]/.test(read.optionalText('OTEL_EXPORTER_OTLP_ENDPOINT') ?? '')) {
    read.mistake('OTEL_EXPORTER_OTLP_ENDPOINT', 'must be without a query or fragment: /v1/traces is added');
  }
  const own = readHttpUrlVariable(read, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  return own ?? (base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`);
}

/** The variable for traces alone goes before the one for all signals, which may be meant for others. */
function checkProtocol(read: EnvironmentReader, enabled: boolean): void {
  const names = ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'];
  const given = names.map((name) => ({ name, value: read.optionalText(name) }));
  const counts = given.findLast(({ value }) => value !== undefined);
  if (enabled && counts?.value !== undefined && counts.value !== protocol) {
    read.mistake(
      counts.name,
      `must be ${protocol}, not "${counts.value}": leave it out, and name the collector's port for OTLP over HTTP, 4318 as a rule`,
    );
  }
}
