import { Counter, Histogram, type Registry } from 'prom-client';

/*
 * prom-client looks the label values up on every update: it sorts the label names, joins a key from the
 * values and validates them. With seven updates per payment that was a tenth of its CPU time. Here a caller
 * makes one series per set of label values, once, and an update is an addition to a plain number.
 * prom-client is handed the numbers when the registry is read.
 */

type LabelValues<T extends string> = Readonly<Record<T, string>>;

/** What a metric is called, and the names of its labels. */
interface Description<T extends string> {
  readonly name: string;
  readonly help: string;
  /** None unless given. */
  readonly labelNames?: readonly T[];
}

/** One of a counter's series. */
export interface CounterSeries {
  /** @param by a whole number, 0 or more; 1 unless given. */
  inc(by?: number): void;
}

/** A counter whose series are made once. */
interface SeriesCounter<T extends string> {
  /** The series with these label values, 0 until it is incremented; call once per set of values. */
  series(labels: LabelValues<T>): CounterSeries;
}

interface Count<T extends string> {
  readonly labels: LabelValues<T>;
  /** What came since the registry was last read. */
  pending: number;
}

/**
 * Makes a counter and registers it.
 *
 * @throws Error when the registry has a metric of that name, or Prometheus does not take one of the names.
 */
export function createSeriesCounter<T extends string = never>(
  registry: Registry,
  description: Description<T>,
): SeriesCounter<T> {
  const counts: Count<T>[] = [];
  const counter: Counter<T> = new Counter<T>({
    ...description,
    registers: [registry],
    collect: () => handOver(counts, counter),
  });
  return {
    series(labels) {
      const count = { labels, pending: 0 };
      counts.push(count);
      return { inc: (by = 1) => void (count.pending += by) };
    },
  };
}

/**
 * Adds what came since the last read, so that the total is kept by prom-client alone: an increment or a reset
 * of the registered counter itself is not undone.
 */
function handOver<T extends string>(counts: readonly Count<T>[], counter: Counter<T>): void {
  for (const count of counts) {
    const { labels, pending } = count;
    count.pending = 0;
    counter.inc(labels, pending);
  }
}

/** A counter by outcome alone, whose outcomes are not all known beforehand. */
export interface OutcomeCounter {
  /** @param by a whole number, 0 or more; 1 unless given. 0 lets the outcome appear. */
  count(outcome: string, by?: number): void;
}

/** As `createSeriesCounter`, for an `OutcomeCounter`; its only label is `outcome`. */
export function createOutcomeCounter(
  registry: Registry,
  description: Omit<Description<never>, 'labelNames'>,
): OutcomeCounter {
  const counter = createSeriesCounter(registry, { ...description, labelNames: ['outcome'] });
  const byOutcome = new Map<string, CounterSeries>();
  return {
    count(outcome, by = 1) {
      let series = byOutcome.get(outcome);
      if (series === undefined) {
        series = counter.series({ outcome });
        byOutcome.set(outcome, series);
      }
      series.inc(by);
    },
  };
}

/** One of a histogram's series. */
export interface HistogramSeries {
  observe(value: number): void;
}

/** A histogram whose series are made once. */
interface SeriesHistogram<T extends string> {
  /** The series with these label values, without observations; call once per set of values. */
  series(labels: LabelValues<T>): HistogramSeries;
}

interface Distribution<T extends string> {
  readonly labels: LabelValues<T>;
  /** Observations per bucket, not cumulative; the last one is for those above every bound. */
  readonly counts: Float64Array;
  sum: number;
}

/**
 * Makes a histogram and registers it.
 *
 * @param description its `buckets` are the upper bounds, ascending, in the unit of the observed values.
 * @throws Error when the registry has a metric of that name, or Prometheus does not take one of the names.
 */
export function createSeriesHistogram<T extends string = never>(
  registry: Registry,
  { buckets: bounds, ...description }: Description<T> & { readonly buckets: readonly number[] },
): SeriesHistogram<T> {
  const distributions: Distribution<T>[] = [];
  registry.registerMetric(toPromMetric(description, bounds, distributions));
  return {
    series(labels) {
      const distribution = { labels, counts: new Float64Array(bounds.length + 1), sum: 0 };
      distributions.push(distribution);
      return { observe: (value) => observe(distribution, bounds, value) };
    },
  };
}

function observe(distribution: Distribution<string>, bounds: readonly number[], value: number): void {
  const { counts } = distribution;
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) {
    bucket += 1;
  }
  counts[bucket] = (counts[bucket] ?? 0) + 1;
  distribution.sum += value;
}

/**
 * What the registry holds for a histogram of ours. prom-client's `Histogram` takes single observations only,
 * never the count of a bucket, so this is another implementation of its interface. Those methods that would
 * write past the series throw: their observations would be missing when the registry is read.
 */
function toPromMetric<T extends string>(
  description: Description<T>,
  bounds: readonly number[],
  distributions: readonly Distribution<T>[],
): Histogram<T> {
  const { name, help } = description;
  // Has no observations. Its constructor checks the names, and its `get` gives all but the values.
  const empty = new Histogram<T>({ ...description, registers: [] });
  function refuse(): never {
    throw new Error(`${name}: only a series of it can be observed`);
  }
  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    async get() {
      const values = distributions.flatMap((distribution) => toValues(name, bounds, distribution));
      return { ...(await empty.get()), values };
    },
    reset: () => distributions.forEach(clear),
    observe: refuse,
    startTimer: refuse,
    zero: refuse,
    labels: refuse,
    remove: refuse,
  };
  return metric;
}

function clear(distribution: Distribution<string>): void {
  distribution.counts.fill(0);
  distribution.sum = 0;
}

/** The lines of a series, as in Prometheus' text format: its buckets are cumulative. */
function toValues<T extends string>(
  name: string,
  bounds: readonly number[],
  { labels, counts, sum }: Distribution<T>,
) {
  let cumulative = 0;
  const buckets = [...bounds, '+Inf'].map((le, i) => {
    cumulative += counts[i] ?? 0;
    return { labels: { le, ...labels }, value: cumulative, metricName: `${name}_bucket` };
  });
  return [
    ...buckets,
    { labels, value: sum, metricName: `${name}_sum` },
    { labels, value: cumulative, metricName: `${name}_count` },
  ];
}
