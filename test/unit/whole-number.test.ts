import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readWholeNumber } from '../../src/base/whole-number.ts';

test('decimal digits are a number, up to the largest that is exact', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (number) => {
      expect(readWholeNumber(String(number))).toBe(number);
    }),
  );
  expect(readWholeNumber('007')).toBe(7);
  expect(readWholeNumber('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
});

test.each([
  undefined,
  '',
  ' ',
  '0x10',
  '0b11',
  '1e3',
  '+5',
  '-5',
  ' 5',
  '5\n',
  '1.0',
  '１',
  'NaN',
  '9007199254740992',
])('%j is none', (text) => {
  expect(readWholeNumber(text)).toBeUndefined();
});
