import * as fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import {
  createOutcomeCounter,
  createSeriesCounter,
  createSeriesHistogram,
} from '../../src/observability/series.ts';

const labelNames = ['method', 'code'] as const;
const labels = [
  { method: 'Get', code: 'OK' },
  { method: 'Get', code: 'quoted "\\\n' },
  { method: 'Put', code: '' },
];
const buckets = [0.005, 0.1, 1, 2.5];
const counterAbout = { name: 'calls_total', help: 'Calls,\nby \\ method.', labelNames };
const histogramAbout = { name: 'call_seconds', help: 'Durations.', labelNames };

type Update = readonly [series: number, value: number];

/** The registries of a counter of ours and of prom-client's own, updated alike. */
function countersFed(updates: readonly Update[]) {
  const registry = new Registry();
  const counter = createSeriesCounter(registry, counterAbout);
  const series = labels.map((values) => counter.series(values));
  const stock = new Registry();
  const stockCounter = new Counter({ ...counterAbout, registers: [stock] });
  labels.forEach((values) => stockCounter.inc(values, 0));
  const feed = (more: readonly Update[]) => {
    for (const [index, by] of more) {
      series[index]?.inc(by);
      stockCounter.inc(labels[index] ?? {}, by);
    }
  };
  feed(updates);
  return { registry, stock, feed };
}

/** As `countersFed`, of histograms. */
function histogramsFed(updates: readonly Update[]) {
  const registry = new Registry();
  const histogram = createSeriesHistogram(registry, { ...histogramAbout, buckets });
  const series = labels.map((values) => histogram.series(values));
  const stock = new Registry();
  const stockHistogram = new Histogram({ ...histogramAbout, buckets: [...buckets], registers: [stock] });
  labels.forEach((values) => stockHistogram.zero(values));
  const feed = (more: readonly Update[]) => {
    for (const [index, value] of more) {
      series[index]?.observe(value);
      stockHistogram.observe(labels[index] ?? {}, value);
    }
  };
  feed(updates);
  return { registry, stock, feed };
}

const seriesIndex = fc.nat({ max: labels.length - 1 });
const counts = fc.array(fc.tuple(seriesIndex, fc.nat()));
const durations = fc.array(
  fc.tuple(
    seriesIndex,
    fc.oneof(fc.constantFrom(...buckets), fc.double({ noNaN: true, noDefaultInfinity: true })),
  ),
);

describe.each([
  { kind: 'counter', start: countersFed, updates: counts },
  { kind: 'histogram', start: histogramsFed, updates: durations },
])("a $kind is read as prom-client's own with the same updates", ({ start, updates }) => {
  test('without any', async () => {
    const { registry, stock } = start([]);
    expect(await registry.metrics()).toBe(await stock.metrics());
  });

  test('whatever they are, and however often it is read', async () => {
    await fc.assert(
      fc.asyncProperty(updates, updates, async (first, second) => {
        const { registry, stock, feed } = start(first);
        expect(await registry.metrics()).toBe(await stock.metrics());
        feed(second);
        expect(await registry.metrics()).toBe(await stock.metrics());
        expect(await registry.metrics()).toBe(await stock.metrics());
      }),
    );
  });

  test('one metric by its name, as JSON, and by its description', async () => {
    const { registry, stock } = start([
      [0, 1],
      [2, 3],
    ]);
    const [name = ''] = stock.getMetricsAsArray().map((metric) => metric.name);
    expect(await registry.getSingleMetricAsString(name)).toBe(await stock.getSingleMetricAsString(name));
    expect(await registry.getSingleMetric(name)?.get()).toEqual(
      withoutExemplars(await stock.getSingleMetric(name)?.get()),
    );
    expect(await registry.getMetricsAsJSON()).toEqual(withoutExemplars(await stock.getMetricsAsJSON()));
    expect(registry.getMetricsAsArray().map(describeMetric)).toEqual(
      stock.getMetricsAsArray().map(describeMetric),
    );
  });

  test('after a reset of the registry', async () => {
    const { registry, stock, feed } = start([[0, 1]]);
    await registry.metrics();
    registry.resetMetrics();
    feed([[1, 2]]);
    const text = await registry.metrics();
    expect(text).toBe(await start([[1, 2]]).stock.metrics());
    expect(text).not.toBe(await stock.metrics());
  });
});

test('two metrics of one name are refused', () => {
  const registry = new Registry();
  createSeriesCounter(registry, counterAbout);
  createSeriesHistogram(registry, { ...histogramAbout, buckets });
  for (const name of ['calls_total', 'call_seconds']) {
    expect(() => createSeriesCounter(registry, { ...counterAbout, name })).toThrow('already been registered');
    expect(() => createSeriesHistogram(registry, { ...histogramAbout, name, buckets })).toThrow(
      'already been registered',
    );
  }
});

test('without labels there is one series', async () => {
  const registry = new Registry();
  const stock = new Registry();
  const about = { name: 'lag_seconds', help: 'Lag.' };
  createSeriesHistogram(registry, { ...about, buckets })
    .series({})
    .observe(0.1);
  new Histogram({ ...about, buckets: [...buckets], registers: [stock] }).observe(0.1);
  const total = { name: 'lags_total', help: 'Lags.' };
  createSeriesCounter(registry, total).series({}).inc();
  new Counter({ ...total, registers: [stock] }).inc();
  expect(await registry.metrics()).toBe(await stock.metrics());
});

test('outcomes appear with their first count, even one of 0', async () => {
  const registry = new Registry();
  const stock = new Registry();
  const about = { name: 'ends_total', help: 'Ends.' };
  const ours = createOutcomeCounter(registry, about);
  const theirs = new Counter({ ...about, labelNames: ['outcome'], registers: [stock] });
  expect(await registry.metrics()).toBe(await stock.metrics());
  for (const [outcome, by] of [
    ['delivered', 0],
    ['http_500', 2],
    ['delivered', 3],
  ] as const) {
    ours.count(outcome, by);
    theirs.inc({ outcome }, by);
  }
  ours.count('http_500');
  theirs.inc({ outcome: 'http_500' });
  expect(await registry.metrics()).toBe(await stock.metrics());
});

describe('an update that goes past the series', () => {
  test('of a counter is counted', async () => {
    const { registry, stock } = countersFed([[0, 1]]);
    for (const each of [registry, stock]) {
      const metric = each.getSingleMetric<'method' | 'code'>('calls_total');
      if (!(metric instanceof Counter)) {
        throw new TypeError('no counter');
      }
      metric.inc({ method: 'Get', code: 'OK' }, 4);
      metric.labels('Put', 'new').inc();
    }
    const text = await registry.metrics();
    expect(text).toContain('calls_total{method="Get",code="OK"} 5');
    expect(text.split('\n').toSorted()).toEqual((await stock.metrics()).split('\n').toSorted());
  });

  test('of a histogram is refused', () => {
    const { registry } = histogramsFed([]);
    const metric = registry.getSingleMetric<'method' | 'code'>('call_seconds');
    if (metric === undefined || !('zero' in metric)) {
      throw new TypeError('no histogram');
    }
    const refusal = 'call_seconds: only a series of it can be observed';
    const values = { method: 'Get', code: 'OK' };
    expect(() => metric.observe(values, 1)).toThrow(refusal);
    expect(() => metric.labels(values)).toThrow(refusal);
    expect(() => metric.startTimer()).toThrow(refusal);
    expect(() => metric.zero(values)).toThrow(refusal);
    expect(() => metric.remove(values)).toThrow(refusal);
  });
});

/** prom-client's histograms say `exemplar: null` or undefined of each value. */
function withoutExemplars(object: unknown): unknown {
  return JSON.parse(
    JSON.stringify(object, (key, value: unknown) => (key === 'exemplar' ? undefined : value)),
  );
}

function describeMetric({
  name,
  help,
  type,
  aggregator,
}: Record<'name' | 'help' | 'type' | 'aggregator', unknown>) {
  return { name, help, type, aggregator };
}
