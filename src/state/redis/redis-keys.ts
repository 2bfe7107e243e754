import { createShardTags } from './shard-tags.ts';

/** Of the keys in this file. 1, of 0.1, had tags without the number of shards, in whichever slot, and 2 no buckets. */
const keyForm = 3;

/** By the number of shards; a process has one. */
const prefixes = new Map<number, readonly string[]>();

/**
 * Everything of one payment has the same hash tag, so that a cluster keeps it on one node and one
 * transaction can write it.
 *
 * @param shard from 0 to `shards` - 1.
 */
export function shardPrefix(shard: number, shards: number): string {
  let all = prefixes.get(shards);
  if (all === undefined) {
    all = createShardTags(shards).map((tag) => `{${tag}}`);
    prefixes.set(shards, all);
  }
  const prefix = all[shard];
  if (prefix === undefined) {
    throw new RangeError(`there is no shard ${shard}`);
  }
  return prefix;
}

/** How long our ids are: `pay-` and a UUID. Three digits at their end name the shard. */
const idLength = 40;
const markDigits = 3;

/** Which shard a payment belongs to, the same in every replica and release. An id of another form has one by its hash. */
export function shardOf(paymentId: string, shards: number): number {
  if (shards === 1) {
    return 0;
  }
  if (paymentId.length === idLength) {
    const mark = Number.parseInt(paymentId.slice(-markDigits), 16);
    const shard = mark & 0x3f;
    if (mark >> 6 === shards - 1 && shard < shards) {
      return shard;
    }
  }
  return hashShard(paymentId, shards);
}

/** The shard that a text is spread to; FNV-1a. */
export function hashShard(text: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % shards;
}

/**
 * An id that names its shard, and the number of shards that this is one of, by six bits each.
 *
 * @throws RangeError when the id is not of the form that it takes.
 */
export function placeId(paymentId: string, shard: number, shards: number): string {
  if (shards === 1) {
    return paymentId;
  }
  if (paymentId.length !== idLength) {
    throw new RangeError(`with several shards ids must be pay-<uuid>, not ${paymentId}`);
  }
  const mark = ((shards - 1) << 6) | shard;
  return paymentId.slice(0, -markDigits) + mark.toString(16).padStart(markDigits, '0');
}

export function paymentKey(paymentId: string, shard: number, shards: number): string {
  return `${shardPrefix(shard, shards)}:payment:${paymentId}`;
}

/** The ids of a shard's payments by when they were created. */
export function indexKey(shard: number, shards: number): string {
  return `${shardPrefix(shard, shards)}:payments`;
}

/** How the keys of a shard's payments begin; their ids follow. */
export function paymentKeyStart(shard: number, shards: number): string {
  return paymentKey('', shard, shards);
}

/** The ids of the payments that settle together. */
export function bucketKey(bucket: string, shard: number, shards: number): string {
  return `${shardPrefix(shard, shards)}:${bucket}`;
}

/** How many payments are in the buckets of a shard. */
export function pendingCountKey(shard: number, shards: number): string {
  return `${shardPrefix(shard, shards)}:pending`;
}

/** @param shard that of the event's payment. */
export function attemptsKey(eventId: string, shard: number, shards: number): string {
  return `${shardPrefix(shard, shards)}:attempts:${eventId}`;
}

/** @param digest stands for the idempotency key, of a call other than a create. */
export function idempotencyKey(digest: string): string {
  return `payment-sim:idempotency:${digest}`;
}

/** The same of a create, which is with its payment. */
export function createKey(digest: string, shard: number, shards: number): string {
  return `${shardPrefix(shard, shards)}:key:${digest}`;
}

/** Holds what `shardMarker` gives, which all replicas must share. */
export const shardCountKey = 'payment-sim:queue-shards';

/** The form of the keys and the number of shards. 0.1 had the number alone. */
export function shardMarker(shards: number): string {
  return `${keyForm}:${shards}`;
}

/** Written again and again, to see whether Redis takes writes. In the slot of `shardCountKey`. */
export const probeKey = `{${shardCountKey}}:probe`;

/** What testers have set and what is counted of it are in one slot, so that a script may write several of its keys. */
const steering = '{payment-sim:steering}';

/** What testers have set. */
export const steeringKeys = {
  /** Grows with every change. */
  epoch: `${steering}:epoch`,
  /** The documents' keys by the epoch of their last change, also of those that are gone. */
  changes: `${steering}:changes`,
  /** Each with the epoch at which it was put. */
  documents: `${steering}:documents`,
  /** Sessions by when they were used last. */
  used: `${steering}:used`,
} as const;

/** The counts of a session's rules. */
export function countsKey(sessionId: string): string {
  return `${steering}:counts:${sessionId}`;
}

/** The counts of one rule by reservation. */
export function reservationsKey(what: 'calls' | 'draws', sessionId: string, ruleId: string): string {
  return `${steering}:${what}:${JSON.stringify([sessionId, ruleId])}`;
}

/** The names of those keys of a session, by which they are found when it ends. */
export function reservationNamesKey(sessionId: string): string {
  return `${steering}:names:${sessionId}`;
}

const journal = '{payment-sim:journal}';

/** What has happened: the entries, and what is to be known of all of them. */
export const journalKeys = [`${journal}:entries`, `${journal}:about`] as const;
