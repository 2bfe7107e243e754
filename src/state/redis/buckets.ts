/*
 * Payments that fall due at nearly the same time are in one bucket, a set of their ids, for which there is one job of
 * BullMQ. The name of a bucket says when it is due, and is the id of its job.
 */

/** How long a bucket lasts, in milliseconds. A payment settles when its bucket is due, so by as much too late. */
export const bucketMs = 50;

/** The bucket of what is due then, in milliseconds since the epoch: the first that is due at that time or later. */
export function bucketAt(dueAtMs: number): string {
  return `b${Math.ceil(dueAtMs / bucketMs).toString(36)}`;
}

/** When a bucket is due, in milliseconds since the epoch. */
export function dueTimeOf(bucket: string): number {
  return Number.parseInt(bucket.slice(1), 36) * bucketMs;
}
