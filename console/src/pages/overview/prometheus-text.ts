/* Reads what `/metrics` says. Pure. https://prometheus.io/docs/instrumenting/exposition_formats/ */

/** A value with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by the name of their series. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/s;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/gs;

/** What is no sample is passed over. */
export function readMetrics(text: string): Samples {
  const samples = new Map<string, Sample[]>();
  for (const one of text.split('\n')) {
    const [, name, labelText = '', value = ''] = line.exec(one) ?? [];
    if (name !== undefined) {
      const labels = Object.fromEntries(
        [...labelText.matchAll(label)].map(([, key = '', raw = '']) => [key, unescape(raw)]),
      );
      const known = samples.get(name);
      const sample = { labels, value: value === '+Inf' ? Infinity : Number(value) };
      if (known === undefined) {
        samples.set(name, [sample]);
      } else {
        known.push(sample);
      }
    }
  }
  return samples;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_whole, letter: string) => (letter === 'n' ? '\n' : letter));
}

/** Which samples, by their labels; without any all. */
export type Labels = Readonly<Record<string, string>>;

/** The sum of a series; 0 without it. */
export function sumOf(samples: Samples, name: string, wanted: Labels = {}): number {
  return matching(samples, name, wanted).reduce((sum, { value }) => sum + value, 0);
}

function matching(samples: Samples, name: string, wanted: Labels): readonly Sample[] {
  return (samples.get(name) ?? []).filter(({ labels }) =>
    Object.entries(wanted).every(([key, value]) => labels[key] === value),
  );
}

/** Of a histogram: how many values are at most as large as each bound, in their order, over all labels that fit. */
export function bucketsOf(
  samples: Samples,
  name: string,
  wanted: Labels = {},
): readonly (readonly [bound: number, count: number])[] {
  const counts = new Map<number, number>();
  for (const { labels, value } of matching(samples, `${name}_bucket`, wanted)) {
    const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le']);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts].toSorted(([a], [b]) => a - b);
}
