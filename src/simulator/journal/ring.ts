/** Items in the order in which they came, each with a number; the first leave when there are too many. */
export interface Ring<T> {
  /** The number of the oldest item that is there; of the next one when none is. */
  oldest(): number;
  /** The number that the next item gets. */
  next(): number;
  /** What all items take, in bytes. */
  bytes(): number;
  push(item: T): void;
  /** Uses up a number without an item. */
  skip(): void;
  /** The item with a number; undefined when it has left, or has not come. */
  get(position: number): T | undefined;
  /** Removes all that fit; the others keep their numbers. */
  remove(fits: (item: T) => boolean): void;
  /** Begins anew, with this number. */
  restart(next: number): void;
}

interface State<T> {
  items: (T | undefined)[];
  /** Of the first item of the array. */
  base: number;
  /** Of the oldest item that is there. */
  oldest: number;
  bytes: number;
}

/** No item is smaller, in bytes. */
const minItemBytes = 128;
/** Once so many have left, and they are half of the array, it is cut: each item is moved once on average. */
const minCut = 1_024;

/** The number of the first item: 0 is the place before it. */
const first = 1;

/** A ring of at most `maxBytes`; one item that is larger alone is kept. */
export function createRing<T>(maxBytes: number, bytesOf: (item: T) => number): Ring<T> {
  // Places whose items were removed are taken too, and take eight bytes each.
  const maxPlaces = Math.max(1, Math.floor(maxBytes / minItemBytes));
  const self: State<T> = { items: [], base: first, oldest: first, bytes: 0 };
  const next = () => self.base + self.items.length;
  return {
    oldest: () => self.oldest,
    next,
    bytes: () => self.bytes,
    push(item) {
      self.items.push(item);
      self.bytes += bytesOf(item);
      while ((self.bytes > maxBytes || next() - self.oldest > maxPlaces) && self.oldest < next() - 1) {
        dropOldest(self, bytesOf);
      }
    },
    skip: () => void self.items.push(undefined),
    get: (position) => self.items[position - self.base],
    remove: (fits) => remove(self, fits, bytesOf),
    restart(position) {
      Object.assign(self, { items: [], base: position, oldest: position, bytes: 0 });
    },
  };
}

function remove<T>(self: State<T>, fits: (item: T) => boolean, bytesOf: (item: T) => number): void {
  for (const [index, item] of self.items.entries()) {
    if (item !== undefined && fits(item)) {
      self.items[index] = undefined;
      self.bytes -= bytesOf(item);
    }
  }
  while (self.oldest < self.base + self.items.length && self.items[self.oldest - self.base] === undefined) {
    dropOldest(self, bytesOf);
  }
}

function dropOldest<T>(self: State<T>, bytesOf: (item: T) => number): void {
  const index = self.oldest - self.base;
  const item = self.items[index];
  if (item !== undefined) {
    self.bytes -= bytesOf(item);
  }
  self.items[index] = undefined;
  self.oldest += 1;
  const left = self.oldest - self.base;
  if (left >= minCut && left * 2 >= self.items.length) {
    self.items = self.items.slice(left);
    self.base = self.oldest;
  }
}
