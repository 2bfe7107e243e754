import { maxShardCount } from './shard-numbers.ts';

/** A number of shards that payments have been spread over. */
export interface Spread {
  readonly count: number;
  /** Since when new payments go to a larger number, in milliseconds since the epoch; undefined of the last. */
  readonly closedAtMs: number | undefined;
}

/** Of the keys in redis-keys.ts. 1, of 0.1, had tags without the number of shards, and 2 no buckets. */
const keyForm = 3;

/**
 * What replicas leave in Redis for each other: the form of the keys and the numbers of shards, ascending, such as
 * `3:12` and later `3:12@1764300000000,24`. 0.1 had the number alone.
 */
export function encodeMarker(spreads: readonly Spread[]): string {
  const numbers = spreads.map(({ count, closedAtMs }) =>
    closedAtMs === undefined ? String(count) : `${count}@${closedAtMs}`,
  );
  return `${keyForm}:${numbers.join(',')}`;
}

/** Undefined for the marker of a release with other keys. */
export function decodeMarker(marker: string): readonly Spread[] | undefined {
  const [form, numbers = ''] = marker.split(':');
  const spreads = numbers.split(',').map((number) => {
    const [count, closedAtMs] = number.split('@');
    return { count: Number(count), closedAtMs: closedAtMs === undefined ? undefined : Number(closedAtMs) };
  });
  return form === String(keyForm) && spreads.every(isSpread) ? spreads : undefined;
}

function isSpread({ count, closedAtMs }: Spread, at: number, all: readonly Spread[]): boolean {
  const isLast = at === all.length - 1;
  return (
    Number.isInteger(count) &&
    count > (all[at - 1]?.count ?? 0) &&
    count <= maxShardCount &&
    (isLast ? closedAtMs === undefined : Number.isInteger(closedAtMs))
  );
}

/** The marker once new payments go to a larger number of shards. */
export function withMoreShards(spreads: readonly Spread[], count: number, nowMs: number): readonly Spread[] {
  const closed = spreads.map((spread) => ({ ...spread, closedAtMs: spread.closedAtMs ?? nowMs }));
  return [...closed, { count, closedAtMs: undefined }];
}
