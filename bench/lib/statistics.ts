/** The middle of the values; NaN when there is none. */
export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values).toSorted(), 50);
}

/** The value that `percent` of 100 do not exceed, by the nearest rank; NaN when there is none. */
export function percentile(sorted: Float64Array, percent: number): number {
  return sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1] ?? Number.NaN;
}
