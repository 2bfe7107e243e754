import type { MachineClock } from '../../base/clock.ts';
import type { Spread } from './shard-marker.ts';
import { countOf, hashShard, namedShard, placeId, shardNumber, shardsOf } from './shard-numbers.ts';

/** The shards that payments are in, as far as this process knows. */
export interface Shards {
  /** All of them. */
  all(): readonly number[];
  /** The shard of a payment: the one that its id names, or that an id of another form hashes to. */
  of(paymentId: string): number;
  /**
   * The id of a new payment, which names its shard: with a key the one that the key hashes to. Those without go to
   * one for each iteration of the event loop, and so together into one script, whatever the number of shards.
   */
  place(paymentId: string, key: string | undefined): string;
  /** Where the key of a create may be besides, which came before there were so many shards. */
  earlierOf(key: string): readonly number[];
  /** Whether an id names a shard that is not known here: another replica may have added it. */
  isNew(paymentId: string): boolean;
  /** Takes over what replicas have agreed on: at least one number of shards. */
  adopt(spreads: readonly Spread[]): void;
  /** Calls `listener` after more shards have come to be known. */
  onAdded(listener: () => void): void;
}

/** How far clocks of replicas may be apart, in milliseconds. */
const skewMs = 60_000;

/**
 * @param count QUEUE_SHARDS of this replica, as long as nothing is agreed on.
 * @param idempotencyTtlMs how long keys are kept, in milliseconds.
 */
export function createShards(count: number, idempotencyTtlMs: number, clock: MachineClock): Shards {
  let spreads: readonly Spread[] = [{ count, closedAtMs: undefined }];
  let known = new Set(shardsOf(count));
  const listeners: (() => void)[] = [];
  const nextShard = createRotation();

  const currentCount = () => spreads.at(-1)?.count ?? count;
  return {
    all: () => [...known],

    of(paymentId) {
      const shard = namedShard(paymentId);
      // Before ids named their shards there could be only one number of them.
      return shard !== undefined && known.has(shard)
        ? shard
        : hashShard(paymentId, spreads[0]?.count ?? count);
    },

    place: (paymentId, key) =>
      placeId(paymentId, key === undefined ? nextShard(currentCount()) : hashShard(key, currentCount())),

    earlierOf(key) {
      if (spreads.length === 1) {
        return [];
      }
      const latestMs = clock.now() - idempotencyTtlMs - skewMs;
      return spreads
        .filter(({ closedAtMs }) => closedAtMs !== undefined && closedAtMs > latestMs)
        .map((spread) => hashShard(key, spread.count));
    },

    isNew(paymentId) {
      const shard = namedShard(paymentId);
      return shard !== undefined && countOf(shard) > currentCount();
    },

    adopt(agreed) {
      spreads = agreed;
      const before = known.size;
      // None is forgotten, since jobs of it may be under way.
      known = new Set([...known, ...agreed.flatMap((spread) => shardsOf(spread.count))]);
      if (known.size > before) {
        listeners.forEach((listener) => listener());
      }
    },

    onAdded: (listener) => void listeners.push(listener),
  };
}

/** The next shard in each iteration of the event loop. */
function createRotation(): (count: number) => number {
  let turn = Math.floor(Math.random() * maxFirstTurn);
  let isTurnOver = true;
  return (count) => {
    if (isTurnOver) {
      isTurnOver = false;
      turn += 1;
      setImmediate(() => (isTurnOver = true));
    }
    return shardNumber(count, turn % count);
  };
}

/** Replicas that start together do not go from shard to shard together. */
const maxFirstTurn = 1_000_000;
