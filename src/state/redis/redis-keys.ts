/**
 * Everything of one payment has the same hash tag, so that a cluster keeps it on one node and one
 * transaction can write it.
 */
export function shardPrefix(shard: number): string {
  return `{payment-sim:${shard}}`;
}

/** Which shard a payment belongs to; FNV-1a, the same in every replica and release. */
export function shardOf(paymentId: string, shards: number): number {
  if (shards === 1) {
    return 0;
  }
  let hash = 0x811c9dc5;
  for (let i = 0; i < paymentId.length; i += 1) {
    hash = Math.imul(hash ^ paymentId.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % shards;
}

export function paymentKey(shard: number, paymentId: string): string {
  return `${shardPrefix(shard)}:payment:${paymentId}`;
}

/** @param shard that of the event's payment. */
export function attemptsKey(shard: number, eventId: string): string {
  return `${shardPrefix(shard)}:attempts:${eventId}`;
}

/** @param digest stands for the idempotency key. */
export function idempotencyKey(digest: string): string {
  return `payment-sim:idempotency:${digest}`;
}

/** Holds the number of shards, which all replicas must share. */
export const shardCountKey = 'payment-sim:queue-shards';

/** Written again and again, to see whether Redis takes writes. */
export const probeKey = 'payment-sim:probe';
