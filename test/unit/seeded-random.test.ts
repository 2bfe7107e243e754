import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSeededRandom } from '../support/seeded-random.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function draws(seed: number, count: number): number[] {
  const random = createSeededRandom(seed);
  return Array.from({ length: count }, random);
}

function low32(value: bigint): bigint {
  return value & 0xffff_ffffn;
}

/** Mulberry32 as published, on 64-bit integers, so that it shares nothing with the one under test. */
function referenceDraws(seed: number, count: number): number[] {
  let state = BigInt(seed);
  return Array.from({ length: count }, () => {
    state = low32(state + 0x6d2b_79f5n);
    let mixed = low32((state ^ (state >> 15n)) * (state | 1n));
    mixed = low32(mixed ^ low32(mixed + low32((mixed ^ (mixed >> 7n)) * (mixed | 61n))));
    return Number(mixed ^ (mixed >> 14n)) / 2 ** 32;
  });
}

test('the same seed gives the same draws, those of mulberry32, from 0 to below 1', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const drawn = draws(seed, 50);
      expect(drawn).toEqual(draws(seed, 50));
      expect(drawn).toEqual(referenceDraws(seed, 50));
      expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    }),
  );
});

test('seeds next to each other have nothing in common', () => {
  expect(new Set([0, 1, 2, 3].flatMap((seed) => draws(seed, 100))).size).toBe(400);
});

test('draws are uniform: each tenth gets its share, and so does the mean', () => {
  for (const seed of [0, 1, 42, 2 ** 32 - 1]) {
    const count = 100_000;
    const drawn = draws(seed, count);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const value of drawn) {
      const tenth = Math.floor(value * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // Chi-squared with 9 degrees of freedom is below 33.7 with probability 0.9999; draws are fixed.
    const chiSquared = tenths.reduce((sum, n) => sum + (n - count / 10) ** 2 / (count / 10), 0);
    expect(chiSquared).toBeLessThan(33.7);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / count;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.005);
  }
});
