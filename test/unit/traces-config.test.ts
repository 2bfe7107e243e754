import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { EnvironmentReader } from '../../src/base/env/config-reader.ts';
import { misspeltNames } from '../../src/base/env/misspelt-names.ts';
import { readTracesConfig } from '../../src/observability/traces-config.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';
import { mistakesOf } from '../support/config-mistakes.ts';

const endpoint = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const tracesEndpoint = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
const collector = 'http://127.0.0.1:4318';

function read(env: Readonly<Record<string, string>>) {
  return readTracesConfig(new EnvironmentReader(env));
}

test('without variables no spans are made', () => {
  expect(read({})).toEqual({
    enabled: true,
    url: undefined,
    serviceName: undefined,
    sampler: 'parentbased_always_on',
    samplerRatio: 1,
    batch: {
      scheduledDelayMillis: 5_000,
      exportTimeoutMillis: 30_000,
      maxQueueSize: 2_048,
      maxExportBatchSize: 512,
    },
  });
});

test.each([
  [{ [endpoint]: collector }, `${collector}/v1/traces`],
  [{ [endpoint]: `${collector}/` }, `${collector}/v1/traces`],
  [{ [endpoint]: `${collector}/otlp/` }, `${collector}/otlp/v1/traces`],
  [{ [tracesEndpoint]: `${collector}/spans?key=1` }, `${collector}/spans?key=1`],
  [{ [endpoint]: 'http://127.0.0.1:1', [tracesEndpoint]: `${collector}/spans` }, `${collector}/spans`],
])('%j: spans go to %s', (env, url) => {
  expect(read(env).url).toBe(url);
});

test.each([
  [{ OTEL_SDK_DISABLED: 'TRUE' }, false],
  [{ OTEL_TRACES_EXPORTER: 'none' }, false],
  [{ OTEL_SDK_DISABLED: 'false', OTEL_TRACES_EXPORTER: 'otlp' }, true],
])('%j: enabled is %j', (env, enabled) => {
  expect(read({ [endpoint]: collector, ...env }).enabled).toBe(enabled);
});

describe.each([
  ['service', loadConfig, {}],
  ['worker', loadWorkerConfig, { PAYMENT_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:1/000000000000/queue' }],
] as const)('the %s', (_name, load, required) => {
  function mistakes(env: Readonly<Record<string, string>>): readonly string[] {
    return mistakesOf({ ...required, ...env }, load);
  }

  test('refuses protocols that it does not speak, unless they are for others', () => {
    const grpc = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    const told = [
      expect.stringMatching(
        /^OTEL_EXPORTER_OTLP_PROTOCOL must be http\/protobuf, not "grpc": leave it out.*4318/,
      ),
    ];
    expect(mistakes({ [endpoint]: collector, ...grpc })).toEqual(told);
    expect(mistakes({ ...grpc, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' })).toEqual([]);
    expect(mistakes({ ...grpc, OTEL_TRACES_EXPORTER: 'none' })).toEqual([]);
    expect(mistakes({ OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' })).toEqual([
      expect.stringMatching(/^OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be http\/protobuf, not "http\/json"/),
    ]);
  });

  test.each([
    [endpoint, '127.0.0.1:4318'],
    [endpoint, 'collector'],
    [endpoint, `${collector}?key=1`],
    [tracesEndpoint, 'grpc://collector:4317'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '4096'],
  ])('refuses %s=%s', (name, value) => {
    expect(mistakes({ [name]: value })).toEqual([expect.stringContaining(`${name} `)]);
  });
});

test("OpenTelemetry's other variables are no slips of those that are read", () => {
  const known = new EnvironmentReader({});
  readTracesConfig(known);
  const others = [
    'OTEL_BLRP_SCHEDULE_DELAY',
    'OTEL_BLRP_EXPORT_TIMEOUT',
    'OTEL_EXPORTER_OTLP_HEADERS',
    'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
    'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL',
    'OTEL_EXPORTER_OTLP_TIMEOUT',
    'OTEL_LOGS_EXPORTER',
    'OTEL_METRICS_EXPORTER',
    'OTEL_RESOURCE_ATTRIBUTES',
  ];
  const env = Object.fromEntries(others.map((name) => [name, 'x']));
  expect(misspeltNames(env, new Set(known.values.keys()))).toEqual([]);
});
