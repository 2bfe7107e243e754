/**
 * Gathers what comes in one turn of the event loop, so that it goes to Redis in one round trip.
 *
 * @param options.run does it all at once for one shard; resolves with the results in the same order. When
 *   it rejects, all do.
 */
export function createTurnBatch<Item, Result>(options: {
  readonly maxSize: number;
  readonly run: (shard: number, items: readonly Item[]) => Promise<readonly Result[]>;
}): (shard: number, item: Item) => Promise<Result> {
  interface Waiting {
    readonly items: Item[];
    readonly ends: { resolve(result: Result): void; reject(error: unknown): void }[];
  }
  let shards = new Map<number, Waiting>();

  function flush(): void {
    const all = shards;
    shards = new Map();
    for (const [shard, waiting] of all) {
      void run(shard, waiting);
    }
  }

  async function run(shard: number, { items, ends }: Waiting): Promise<void> {
    try {
      const results = await options.run(shard, items);
      for (const [index, result] of results.entries()) {
        ends[index]?.resolve(result);
      }
    } catch (error) {
      for (const end of ends) {
        end.reject(error);
      }
    }
  }

  return (shard, item) =>
    new Promise((resolve, reject) => {
      if (shards.size === 0) {
        setImmediate(flush);
      }
      let waiting = shards.get(shard);
      if (waiting === undefined) {
        waiting = { items: [], ends: [] };
        shards.set(shard, waiting);
      }
      waiting.items.push(item);
      waiting.ends.push({ resolve, reject });
      if (waiting.items.length === options.maxSize) {
        shards.delete(shard);
        void run(shard, waiting);
      }
    });
}
