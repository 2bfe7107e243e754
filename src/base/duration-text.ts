const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a duration looks like, in words that stand after "such as". */
export const durationExamples = '500ms, 2s, 30m, 12h or 1d';

/** Reads a duration such as `2s` or `1.5h`, in milliseconds; undefined for what is none. */
export function readDurationMs(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,9}(?:\.\d{1,9})?) ?(ms|s|m|h|d)$/.exec(text) ?? [];
  return count === undefined ? undefined : Math.round(Number(count) * (unitMs[unit] ?? 1));
}
