import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isKnownCurrency } from '../../src/payment/currency.ts';

test.each(['KRW', 'USD', 'EUR', 'JPY', 'GBP', 'BHD', 'CLF', 'XAU', 'XTS', 'ZMW', 'AED', 'XCG'])(
  '%s is known',
  (code) => {
    expect(isKnownCurrency(code)).toBe(true);
  },
);

test.each(['', 'krw', 'Krw', ' KRW', 'KRW ', 'WON', 'DEM', 'ABC', 'US', 'USDT', 'KRW USD', '410', 'ＫＲＷ'])(
  '"%s" is not',
  (code) => {
    expect(isKnownCurrency(code)).toBe(false);
  },
);

test('nothing but three upper-case letters is known', () => {
  fc.assert(
    fc.property(fc.string(), (code) => {
      fc.pre(!/^[A-Z]{3}$/.test(code));
      expect(isKnownCurrency(code)).toBe(false);
    }),
  );
});

test('the list has the size of ISO 4217 list one and no stray entries', () => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('');
  const known = letters.flatMap((a) =>
    letters.flatMap((b) => letters.map((c) => a + b + c).filter(isKnownCurrency)),
  );
  expect(known.length).toBeGreaterThan(170);
  expect(known.length).toBeLessThan(190);
});
