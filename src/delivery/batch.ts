/** What fits into one call. */
export interface BatchLimits {
  readonly maxEntries: number;
  /** The sum of all sizes stays below this. */
  readonly maxBytes: number;
}

/** A queue to take from. */
interface BatchSource<T> {
  peek(): T | undefined;
  shift(): T | undefined;
}

/**
 * Takes as many items from the front, in order, as fit into one call. An item that is too large by
 * itself comes alone: whoever receives it may judge it.
 */
export function takeBatch<T>(source: BatchSource<T>, bytesOf: (item: T) => number, limits: BatchLimits): T[] {
  const batch: T[] = [];
  let bytes = 0;
  while (batch.length < limits.maxEntries) {
    const item = source.peek();
    if (item === undefined) {
      break;
    }
    bytes += bytesOf(item);
    if (bytes >= limits.maxBytes && batch.length > 0) {
      break;
    }
    source.shift();
    batch.push(item);
  }
  return batch;
}
