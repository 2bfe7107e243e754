import { array, assert, integer, oneof, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { createRing } from '../../src/simulator/journal/ring.ts';

/* A ring against a list that is cut. */

type Step = { readonly push: number } | { readonly remove: number } | { readonly restart: number };

const steps = array(
  oneof(
    { weight: 20, arbitrary: record({ push: integer({ min: 100, max: 400 }) }) },
    { weight: 1, arbitrary: record({ remove: integer({ min: 100, max: 400 }) }) },
    { weight: 1, arbitrary: record({ restart: integer({ min: 1, max: 9_000 }) }) },
  ),
  { maxLength: 300 },
);

test('has the last items that fit its bytes, under the numbers that they were given', () => {
  assert(
    property(steps, integer({ min: 1, max: 4_000 }), (all: readonly Step[], maxBytes) => {
      const ring = createRing<{ readonly bytes: number }>(maxBytes, ({ bytes }) => bytes);
      let model = new Map<number, { readonly bytes: number }>();
      let [oldest, next] = [1, 1];
      const bytes = () => [...model.values()].reduce((sum, item) => sum + item.bytes, 0);
      for (const step of all) {
        if ('push' in step) {
          const item = { bytes: step.push };
          ring.push(item);
          model.set(next, item);
          next += 1;
          const maxPlaces = Math.max(1, Math.floor(maxBytes / 128));
          for (; (bytes() > maxBytes || next - oldest > maxPlaces) && oldest < next - 1; oldest += 1) {
            model.delete(oldest);
          }
        } else if ('remove' in step) {
          ring.remove((item) => item.bytes === step.remove);
          model = new Map([...model].filter(([, item]) => item.bytes !== step.remove));
          for (; oldest < next && !model.has(oldest); oldest += 1);
        } else {
          ring.restart(step.restart);
          model.clear();
          [oldest, next] = [step.restart, step.restart];
        }
        expect([ring.oldest(), ring.next(), ring.bytes()]).toEqual([oldest, next, bytes()]);
        for (let number = oldest - 2; number <= next; number += 1) {
          expect(ring.get(number)).toBe(model.get(number));
        }
      }
    }),
  );
});

test('keeps no places of what a reset has removed', () => {
  const ring = createRing<number>(128_000, () => 1);
  for (let round = 0; round < 10; round += 1) {
    for (let item = 0; item < 500; item += 1) {
      ring.push(item);
    }
    ring.remove(() => true);
  }
  expect(ring.oldest()).toBe(ring.next());
  // Nor many behind one that stays.
  for (let item = 0; item < 5_000; item += 1) {
    ring.push(item);
    ring.remove((each) => each > 0);
  }
  expect(ring.next() - ring.oldest()).toBeLessThanOrEqual(1_000);
});

test('keeps few places for items that have left', () => {
  const ring = createRing<number>(1_280, () => 128);
  for (let item = 0; item < 100_000; item += 1) {
    ring.push(item);
  }
  expect([ring.oldest(), ring.next(), ring.get(99_991), ring.get(100_000)]).toEqual([
    99_991, 100_001, 99_990, 99_999,
  ]);
});
