/** A map of limited size: when it is full, what was asked for the longest ago is forgotten. */
export interface RecentMap<Value> {
  /** The value, made if it is not there. It is the last to be forgotten then. */
  take(key: string, make: () => Value): Value;
  /** The value, if it is there. Looking does not keep it. */
  peek(key: string): Value | undefined;
  delete(key: string): void;
}

/** @param maxSize from 1. */
export function createRecentMap<Value>(maxSize: number): RecentMap<Value> {
  // A map keeps the order of insertion: what is set anew comes last.
  const values = new Map<string, Value>();
  return {
    take(key, make) {
      const value = values.get(key) ?? make();
      values.delete(key);
      const [oldest] = values.size >= maxSize ? values.keys() : [];
      if (oldest !== undefined) {
        values.delete(oldest);
      }
      values.set(key, value);
      return value;
    },
    peek: (key) => values.get(key),
    delete: (key) => void values.delete(key),
  };
}
