import { array, assert, constant, integer, oneof, property } from 'fast-check';
import { expect, test } from 'vitest';
import { createHeap } from '../../src/base/heap.ts';

/* A heap against a list that is sorted. */

const steps = array(oneof(integer({ min: -20, max: 20 }), constant('pop' as const)), { maxLength: 200 });

test('the least item comes first, whatever the order of calls', () => {
  assert(
    property(steps, (all) => {
      const heap = createHeap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const step of all) {
        if (step === 'pop') {
          expect(heap.pop()).toBe(model.shift());
        } else {
          heap.push(step);
          model.push(step);
          model.sort((a, b) => a - b);
        }
        expect(heap.peek()).toBe(model[0]);
        expect(heap.size()).toBe(model.length);
      }
    }),
  );
});
