import { expect, test } from 'vitest';
import { combineObservers } from '../../src/base/observer.ts';

test('every observer is told everything, in their order', () => {
  const told: string[] = [];
  const observe = combineObservers<string>(
    [(report) => void told.push(`a ${report}`), (report) => void told.push(`b ${report}`)],
    (error) => {
      throw error;
    },
  );
  observe('one');
  observe('two');
  expect(told).toEqual(['a one', 'b one', 'a two', 'b two']);
});

test('one that throws is told of once, and disturbs neither the others nor who reports', () => {
  const told: string[] = [];
  const failures: unknown[] = [];
  const observe = combineObservers<string>(
    [
      (report) => {
        throw new Error(`cannot ${report}`);
      },
      (report) => void told.push(report),
      () => {
        throw new TypeError('another one');
      },
    ],
    (error) => void failures.push(String(error)),
  );
  for (const report of ['one', 'two', 'three']) {
    observe(report);
  }
  expect(told).toEqual(['one', 'two', 'three']);
  expect(failures).toEqual(['Error: cannot one', 'TypeError: another one']);
});
