import { shardPrefix } from './shard-numbers.ts';

export function paymentKey(paymentId: string, shard: number): string {
  return `${shardPrefix(shard)}:payment:${paymentId}`;
}

/** The ids of a shard's payments by when they were created. */
export function indexKey(shard: number): string {
  return `${shardPrefix(shard)}:payments`;
}

/** How the keys of a shard's payments begin; their ids follow. */
export function paymentKeyStart(shard: number): string {
  return paymentKey('', shard);
}

/** The ids of the payments that settle together. */
export function bucketKey(bucket: string, shard: number): string {
  return `${shardPrefix(shard)}:${bucket}`;
}

/** How many payments are in the buckets of a shard. */
export function pendingCountKey(shard: number): string {
  return `${shardPrefix(shard)}:pending`;
}

/** @param shard that of the event's payment. */
export function attemptsKey(eventId: string, shard: number): string {
  return `${shardPrefix(shard)}:attempts:${eventId}`;
}

/** @param digest stands for the idempotency key, of a call other than a create. */
export function idempotencyKey(digest: string): string {
  return `payment-sim:idempotency:${digest}`;
}

/** The same of a create, which is with its payment. */
export function createKey(digest: string, shard: number): string {
  return `${shardPrefix(shard)}:key:${digest}`;
}

/**
 * Closes a shard to creates with keys that it does not know: a larger number of shards, which this holds, has them.
 */
export function closedKey(shard: number): string {
  return `${shardPrefix(shard)}:closed`;
}

/** Holds the marker that all replicas share; see shard-marker.ts. */
export const shardCountKey = 'payment-sim:queue-shards';

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
