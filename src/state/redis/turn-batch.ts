/** How batches are made. */
export interface TurnBatchOptions<Item, Result> {
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
  waiting: Waiting<Item, Result>[];
  inFlight: number;
}

/**
 * Gathers what comes in one turn of the event loop, and under load what comes while Redis works, so that it
 * goes there in one round trip: one write and one transaction cost as much for one as for many.
 */
export function createTurnBatch<Item, Result>(
  options: TurnBatchOptions<Item, Result>,
): (shard: number, item: Item) => Promise<Result> {
  const shards = new Map<number, Shard<Item, Result>>();
  let isFlushing = false;

  function flushAll(): void {
    isFlushing = false;
    for (const [number, shard] of shards) {
      flush(number, shard);
    }
  }

  function flush(number: number, shard: Shard<Item, Result>): void {
    while (shard.waiting.length > 0 && shard.inFlight < options.maxInFlight) {
      const batch = shard.waiting;
      shard.waiting = batch.length > options.maxSize ? batch.splice(options.maxSize) : [];
      shard.inFlight += 1;
      void run(number, shard, batch);
    }
  }

  async function run(
    number: number,
    shard: Shard<Item, Result>,
    batch: readonly Waiting<Item, Result>[],
  ): Promise<void> {
    try {
      const results = await options.run(
        number,
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
    flush(number, shard);
  }

  function shardNumbered(number: number): Shard<Item, Result> {
    let shard = shards.get(number);
    if (shard === undefined) {
      shard = { waiting: [], inFlight: 0 };
      shards.set(number, shard);
    }
    return shard;
  }

  return (number, item) =>
    new Promise((resolve, reject) => {
      shardNumbered(number).waiting.push({ item, resolve, reject });
      if (!isFlushing) {
        isFlushing = true;
        setImmediate(flushAll);
      }
    });
}
