/** How batches are made. */
interface LoopBatchOptions<Item, Result> {
  /** No more than this go together. */
  readonly maxSize: number;
  /** So many batches of a shard may be under way; what comes meanwhile gathers for the next. */
  readonly maxInFlight: number;
  /** Does it all at once for one shard; resolves with the results in the same order. When it rejects, all do. */
  readonly run: (shard: number, items: readonly Item[]) => Promise<readonly Result[]>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

interface Shard<Item, Result> {
  readonly number: number;
  waiting: Waiting<Item, Result>[];
  inFlight: number;
}

/**
 * Gathers what comes in one iteration of the event loop, and while `maxInFlight` batches are under way, so that
 * it goes to Redis in one round trip: a write and a transaction cost as much for one item as for many.
 *
 * @returns adds an item, and resolves with its own result.
 */
export function createLoopBatch<Item, Result>(
  options: LoopBatchOptions<Item, Result>,
): (shard: number, item: Item) => Promise<Result> {
  const shards = new Map<number, Shard<Item, Result>>();
  let isFlushScheduled = false;

  function flushAll(): void {
    isFlushScheduled = false;
    for (const shard of shards.values()) {
      flush(options, shard);
    }
  }

  return (number, item) =>
    new Promise((resolve, reject) => {
      const shard = shards.get(number) ?? { number, waiting: [], inFlight: 0 };
      shards.set(number, shard);
      shard.waiting.push({ item, resolve, reject });
      if (!isFlushScheduled) {
        isFlushScheduled = true;
        // In libuv's check phase, after the poll phase has read what sockets had to give.
        setImmediate(flushAll);
      }
    });
}

function flush<Item, Result>(options: LoopBatchOptions<Item, Result>, shard: Shard<Item, Result>): void {
  while (shard.waiting.length > 0 && shard.inFlight < options.maxInFlight) {
    const batch = shard.waiting;
    shard.waiting = batch.length > options.maxSize ? batch.splice(options.maxSize) : [];
    shard.inFlight += 1;
    void runBatch(options, shard, batch);
  }
}

async function runBatch<Item, Result>(
  options: LoopBatchOptions<Item, Result>,
  shard: Shard<Item, Result>,
  batch: readonly Waiting<Item, Result>[],
): Promise<void> {
  try {
    const results = await options.run(
      shard.number,
      batch.map(({ item }) => item),
    );
    for (const [index, result] of results.entries()) {
      batch[index]?.resolve(result);
    }
  } catch (error) {
    for (const waiting of batch) {
      waiting.reject(error);
    }
  }
  shard.inFlight -= 1;
  flush(options, shard);
}
