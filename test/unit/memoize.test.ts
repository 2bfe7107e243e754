import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoize } from '../../src/base/memoize.ts';

function shout(key: string): string | undefined {
  return key === '' ? undefined : key.toUpperCase();
}

test('it answers what the function would, whatever is asked in whatever order', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 2 })), fc.integer({ min: 1, max: 5 }), (keys, max) => {
      expect(keys.map(memoize(shout, max))).toEqual(keys.map(shout));
    }),
  );
});

test('it asks the function once, also when the result is undefined, until it has too many results', () => {
  const asked: string[] = [];
  const recent = memoize((key) => void asked.push(key), 2);
  for (const key of ['a', 'b', 'a', 'b', 'a', 'c', 'c', 'a']) {
    recent(key);
  }
  expect(asked).toEqual(['a', 'b', 'c', 'a']);
});

test('what cannot be computed is not remembered', () => {
  let isBroken = true;
  const recent = memoize((key) => {
    if (isBroken) {
      throw new Error('broken');
    }
    return key;
  }, 1);
  expect(() => recent('a')).toThrow('broken');
  isBroken = false;
  expect(recent('a')).toBe('a');
});
