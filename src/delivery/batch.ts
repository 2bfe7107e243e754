/** What fits into one call. */
export interface BatchLimits {
  readonly maxEntries: number;
  /** The sum of all sizes stays below this. */
  readonly maxBytes: number;
}

/**
 * The limits of a PutEvents call: 10 entries, and all of them together under 1 MB (256 KB until
 * 2026, and still so in some partitions; ten payment events stay far below either).
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export const putEventsLimits: BatchLimits = { maxEntries: 10, maxBytes: 1_000_000 };

/** A queue to take from. */
export interface BatchSource<T> {
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
