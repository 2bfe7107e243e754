import type { SimClock, Timer } from '../../base/clock.ts';
import { Fifo } from '../../base/fifo.ts';

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
  timer: Timer;
}

interface State<T> {
  readonly clock: SimClock;
  readonly onDue: (item: T) => void;
  readonly buckets: Map<number, Bucket<T>>;
  size: number;
  /** The times of buckets that are due and still have items, in the order in which they fell due. */
  readonly overdue: Fifo<number>;
  /** How many items have been handed out in this turn of the event loop. */
  handedOut: number;
  /** Goes on with what is overdue in a later turn. */
  nextSlice: Timer | undefined;
}

/** So many items are handed out at once; then the event loop has its turn. */
const itemsPerTurn = 1_000;
/** Longest delay of a timer, in milliseconds; see `SimClock`. */
const maxTimerMs = 2_147_483_647;

/**
 * @param onDue called for each item when it is due, which is in here no more then. Must not throw. Of many
 *   that are due together the first 1,000 are called in the timer's turn of the event loop, and 1,000 in
 *   each turn after it; until then they can be taken out.
 */
export function createDueTimes<T>(clock: SimClock, onDue: (item: T) => void): DueTimes<T> {
  const self: State<T> = {
    clock,
    onDue,
    buckets: new Map(),
    size: 0,
    overdue: new Fifo(),
    handedOut: 0,
    nextSlice: undefined,
  };
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
  self.buckets.set(dueAtMs, { items: [item], timer: setTimer(self, dueAtMs) });
}

/** In steps, as far as timers reach. */
function setTimer<T>(self: State<T>, dueAtMs: number): Timer {
  const delayMs = Math.max(0, dueAtMs - self.clock.now());
  if (delayMs <= maxTimerMs) {
    return self.clock.setTimer(delayMs, () => fallDue(self, dueAtMs));
  }
  return self.clock.setTimer(maxTimerMs, () => {
    const bucket = self.buckets.get(dueAtMs);
    if (bucket !== undefined) {
      bucket.timer = setTimer(self, dueAtMs);
    }
  });
}

function fallDue<T>(self: State<T>, dueAtMs: number): void {
  self.overdue.push(dueAtMs);
  // Otherwise those before it have their turn first.
  if (self.nextSlice === undefined) {
    handOut(self);
  }
}

function handOut<T>(self: State<T>): void {
  for (let dueAtMs = self.overdue.peek(); dueAtMs !== undefined; dueAtMs = self.overdue.peek()) {
    const items = takeFirst(self, dueAtMs, itemsPerTurn - self.handedOut);
    if (!self.buckets.has(dueAtMs)) {
      self.overdue.shift();
    } else if (items.length === 0) {
      goOnInNextTurn(self);
      return;
    }
    countHandedOut(self, items.length);
    items.forEach(self.onDue);
  }
}

/** Timers that have expired fire in one turn, however many they are: the count is of all of them. */
function countHandedOut<T>(self: State<T>, count: number): void {
  if (self.handedOut === 0 && count > 0) {
    setImmediate(() => (self.handedOut = 0));
  }
  self.handedOut += count;
}

/**
 * By a timer, so that a clock that is moved by hand stays at this time until all is handed out; and by an
 * immediate, because a timer alone may fire in the turn in which it was set.
 */
function goOnInNextTurn<T>(self: State<T>): void {
  self.nextSlice = self.clock.setTimer(0, () =>
    setImmediate(() => {
      self.nextSlice = undefined;
      handOut(self);
    }),
  );
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

/** Takes out some of those that are due at the same time, in the order in which they are kept. */
function takeFirst<T>(self: State<T>, dueAtMs: number, count: number): T[] {
  const items = self.buckets.get(dueAtMs)?.items ?? [];
  if (items.length <= count) {
    return takeBucket(self, dueAtMs);
  }
  self.size -= count;
  return items.splice(0, count);
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
  if (self.size === 0) {
    self.nextSlice?.cancel();
    self.nextSlice = undefined;
  }
  return bucket.items;
}
