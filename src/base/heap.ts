/** A binary heap: the least item comes first. */
export interface Heap<T> {
  push(item: T): void;
  /** The least item, left where it is. */
  peek(): T | undefined;
  /** Takes the least item. */
  pop(): T | undefined;
  size(): number;
}

/** @param isLess whether the first comes before the second; of equal ones either may. */
export function createHeap<T>(isLess: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];
  return {
    push(item) {
      items.push(item);
      siftUp(items, isLess);
    },
    peek: () => items[0],
    pop() {
      const [least] = items;
      const last = items.pop();
      if (last !== undefined && items.length > 0) {
        items[0] = last;
        siftDown(items, isLess);
      }
      return least;
    },
    size: () => items.length,
  };
}

function siftUp<T>(items: T[], isLess: (a: T, b: T) => boolean): void {
  let at = items.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!swapIfLess(items, isLess, at, parent)) {
      return;
    }
    at = parent;
  }
}

function siftDown<T>(items: T[], isLess: (a: T, b: T) => boolean): void {
  let at = 0;
  while (true) {
    const [left, right] = [2 * at + 1, 2 * at + 2];
    const [a, b] = [items[left], items[right]];
    const least = a !== undefined && b !== undefined && isLess(b, a) ? right : left;
    if (a === undefined || !swapIfLess(items, isLess, least, at)) {
      return;
    }
    at = least;
  }
}

/** Whether the item at `lower` came before that at `upper`, and has its place now. */
function swapIfLess<T>(items: T[], isLess: (a: T, b: T) => boolean, lower: number, upper: number): boolean {
  const [a, b] = [items[lower], items[upper]];
  if (a === undefined || b === undefined || !isLess(a, b)) {
    return false;
  }
  items[lower] = b;
  items[upper] = a;
  return true;
}
