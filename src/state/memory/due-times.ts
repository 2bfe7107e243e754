import type { SimClock, Timer } from '../../base/clock.ts';

/** Items that are due at some time; all that are due in the same millisecond share one timer. */
export interface DueTimes<T> {
  add(item: T, dueAtMs: number): void;
  /** Takes an item out; false when it is not there. `dueAtMs` as given to `add`. */
  remove(item: T, dueAtMs: number): boolean;
  /** Takes out all that are due after `atMs`, the earliest first; each only when it is asked for. */
  takeAfter(atMs: number): Iterable<T>;
  /** Takes out one of those that have been here the longest. */
  takeOldest(): T | undefined;
  size(): number;
}

interface Bucket<T> {
  /** In no order. An array: a set costs several times as much, and most are never taken out. */
  readonly items: T[];
  readonly timer: Timer;
}

interface State<T> {
  readonly clock: SimClock;
  readonly onDue: (item: T) => void;
  readonly buckets: Map<number, Bucket<T>>;
  size: number;
}

/** @param onDue called for each item when it is due, which is in here no more then. Must not throw. */
export function createDueTimes<T>(clock: SimClock, onDue: (item: T) => void): DueTimes<T> {
  const self: State<T> = { clock, onDue, buckets: new Map(), size: 0 };
  return {
    add: (item, dueAtMs) => add(self, item, dueAtMs),
    remove: (item, dueAtMs) => remove(self, item, dueAtMs),
    takeAfter: (atMs) => takeAfter(self, atMs),
    takeOldest: () => takeOldest(self),
    size: () => self.size,
  };
}

function add<T>(self: State<T>, item: T, dueAtMs: number): void {
  self.size += 1;
  const bucket = self.buckets.get(dueAtMs);
  if (bucket !== undefined) {
    bucket.items.push(item);
    return;
  }
  const delayMs = Math.max(0, dueAtMs - self.clock.now());
  self.buckets.set(dueAtMs, {
    items: [item],
    timer: self.clock.setTimer(delayMs, () => takeBucket(self, dueAtMs).forEach(self.onDue)),
  });
}

function remove<T>(self: State<T>, item: T, dueAtMs: number): boolean {
  const items = self.buckets.get(dueAtMs)?.items;
  const at = items?.indexOf(item) ?? -1;
  if (items === undefined || at === -1) {
    return false;
  }
  const last = items.pop();
  if (last !== undefined && at < items.length) {
    items[at] = last;
  }
  self.size -= 1;
  if (items.length === 0) {
    takeBucket(self, dueAtMs);
  }
  return true;
}

function* takeAfter<T>(self: State<T>, atMs: number): Iterable<T> {
  // Typed arrays sort by number and without a call for each comparison; there may be a million.
  for (const dueAtMs of Float64Array.from(self.buckets.keys()).toSorted()) {
    if (dueAtMs > atMs) {
      yield* takeBucket(self, dueAtMs);
    }
  }
}

function takeOldest<T>(self: State<T>): T | undefined {
  for (const [dueAtMs, { items }] of self.buckets) {
    const item = items.shift();
    self.size -= 1;
    if (items.length === 0) {
      takeBucket(self, dueAtMs);
    }
    return item;
  }
  return undefined;
}

/** Takes out all that is due at the same time. */
function takeBucket<T>(self: State<T>, dueAtMs: number): T[] {
  const bucket = self.buckets.get(dueAtMs);
  if (bucket === undefined) {
    return [];
  }
  self.buckets.delete(dueAtMs);
  bucket.timer.cancel();
  self.size -= bucket.items.length;
  return bucket.items;
}
