/**
 * `compute` with a cache in front, for a pure function that is called with the same keys again and again.
 *
 * @param max how many results are kept. At the limit the whole cache is cleared: an LRU order would
 *   cost a delete and an insert on every hit.
 */
export function memoize<T>(compute: (key: string) => T, max: number): (key: string) => T {
  const cache = new Map<string, { readonly result: T }>();
  return (key) => {
    let entry = cache.get(key);
    if (entry === undefined) {
      entry = { result: compute(key) };
      if (cache.size >= max) {
        cache.clear();
      }
      cache.set(key, entry);
    }
    return entry.result;
  };
}
