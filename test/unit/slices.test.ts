import { expect, test } from 'vitest';
import { eachInSlices } from '../../src/base/slices.ts';

test('every item has its turn, in order, and the event loop has its own in between', async () => {
  const done: number[] = [];
  /** How many were done whenever the loop had its turn. */
  const seen: number[] = [];
  let isOver = false;
  const look = () => {
    seen.push(done.length);
    if (!isOver) {
      setImmediate(look);
    }
  };
  const items = Array.from({ length: 1_000 }, (_, item) => item);
  const sliced = eachInSlices(items, (item) => void done.push(item));
  look();
  await sliced;
  isOver = true;
  expect(done).toEqual(items);
  expect(new Set(seen).size).toBeGreaterThanOrEqual(9);
});

test('a few items are done at once', () => {
  const done: number[] = [];
  void eachInSlices([1, 2, 3], (item) => void done.push(item));
  expect(done).toEqual([1, 2, 3]);
});
