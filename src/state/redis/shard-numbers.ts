import { createShardTags } from './shard-tags.ts';

/*
 * Payments may be spread over one number of shards and later over a larger one. A shard is called by one number in
 * which both are, by six bits each: of how many it is one, less 1, and which of them it is, from 0.
 */

/** Largest number of shards. */
export const maxShardCount = 64;

const indexBits = 6;
const indexMask = maxShardCount - 1;

/** The number of a shard. @param index from 0 to `count` - 1. */
export function shardNumber(count: number, index: number): number {
  return ((count - 1) << indexBits) | index;
}

/** Of how many shards it is one. */
export function countOf(shard: number): number {
  return (shard >> indexBits) + 1;
}

/** The numbers of so many shards. */
export function shardsOf(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => shardNumber(count, index));
}

/** The shard that a text is spread to; FNV-1a. */
export function hashShard(text: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return shardNumber(count, (hash >>> 0) % count);
}

/** How long our ids are: `pay-` and a UUID. Three digits at their end are the number of their shard. */
const idLength = 40;
const markDigits = 3;

/** The shard that an id names, undefined when it names none. */
export function namedShard(paymentId: string): number | undefined {
  if (paymentId.length !== idLength) {
    return undefined;
  }
  const shard = Number.parseInt(paymentId.slice(-markDigits), 16);
  return (shard & indexMask) < countOf(shard) ? shard : undefined;
}

/**
 * An id that names its shard.
 *
 * @throws RangeError when the id is not of the form that it takes, unless there is one shard only.
 */
export function placeId(paymentId: string, shard: number): string {
  if (paymentId.length !== idLength) {
    if (countOf(shard) === 1) {
      return paymentId;
    }
    throw new RangeError(`with several shards ids must be pay-<uuid>, not ${paymentId}`);
  }
  return paymentId.slice(0, -markDigits) + shard.toString(16).padStart(markDigits, '0');
}

/** By how many shards there are. */
const prefixes = new Map<number, readonly string[]>();

/**
 * How the keys of a shard begin. Everything of one payment has the same hash tag, so that a cluster keeps it on one
 * node and one transaction can write it.
 *
 * @throws RangeError when there is no such shard.
 */
export function shardPrefix(shard: number): string {
  const count = countOf(shard);
  let all = prefixes.get(count);
  if (all === undefined) {
    all = createShardTags(count).map((tag) => `{${tag}}`);
    prefixes.set(count, all);
  }
  const prefix = all[shard & indexMask];
  if (prefix === undefined) {
    throw new RangeError(`there is no shard ${shard & indexMask} of ${count}`);
  }
  return prefix;
}
