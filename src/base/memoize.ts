/**
 * `compute` with a memory for its results, for a pure function that is asked the same again and again.
 *
 * @param max how many results are kept. When there are more all are forgotten: to find out which one is
 *   the oldest would cost more than it saves.
 */
export function memoize<T>(compute: (key: string) => T, max: number): (key: string) => T {
  const known = new Map<string, { readonly result: T }>();
  return (key) => {
    let entry = known.get(key);
    if (entry === undefined) {
      entry = { result: compute(key) };
      if (known.size >= max) {
        known.clear();
      }
      known.set(key, entry);
    }
    return entry.result;
  };
}
