import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fifo } from '../../src/base/fifo.ts';

/** Runs of pushes and shifts long enough to pass the point where the used-up front is cut off. */
const runs = fc.array(
  fc.record({ action: fc.constantFrom('push', 'shift'), count: fc.integer({ min: 0, max: 3_000 }) }),
  { maxLength: 12 },
);

test('it behaves as an array does, whatever the order of calls', () => {
  fc.assert(
    fc.property(runs, (steps) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      let next = 0;
      let modelHead = 0; // the model's own head: shifting thousands off an array takes too long
      for (const { action, count } of steps) {
        for (let i = 0; i < count; i += 1) {
          if (action === 'push') {
            fifo.push(next);
            model.push(next);
            next += 1;
          } else {
            const expected = model[modelHead];
            modelHead = Math.min(modelHead + 1, model.length);
            if (fifo.shift() !== expected) {
              throw new Error('shift differs from the model');
            }
          }
        }
        expect(fifo.size).toBe(model.length - modelHead);
        expect(fifo.peek()).toBe(model[modelHead]);
      }
    }),
    { numRuns: 60 },
  );
});

test('an empty one gives undefined and stays empty', () => {
  const fifo = new Fifo<string>();
  expect([fifo.peek(), fifo.shift(), fifo.size]).toEqual([undefined, undefined, 0]);
  fifo.push('a');
  expect([fifo.shift(), fifo.shift(), fifo.size]).toEqual(['a', undefined, 0]);
});

test('falsy items are items', () => {
  const fifo = new Fifo<number | string | boolean>();
  fifo.push(0);
  fifo.push('');
  fifo.push(false);
  expect([fifo.size, fifo.shift(), fifo.shift(), fifo.shift(), fifo.size]).toEqual([3, 0, '', false, 0]);
});
