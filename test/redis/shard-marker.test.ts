import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeMarker,
  encodeMarker,
  type Spread,
  withMoreShards,
} from '../../src/state/redis/shard-marker.ts';

const counts = fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 5 });

test('says all numbers of shards, and since when new payments go to a larger one', () => {
  const first = [{ count: 12, closedAtMs: undefined }];
  expect(encodeMarker(first)).toBe('3:12');
  const second = withMoreShards(first, 24, 1_764_300_000_000);
  expect(encodeMarker(second)).toBe('3:12@1764300000000,24');
  expect(encodeMarker(withMoreShards(second, 48, 1_764_300_000_001))).toBe(
    '3:12@1764300000000,24@1764300000001,48',
  );
});

test('is read as it was written', () => {
  fc.assert(
    fc.property(counts, fc.nat(), (all, nowMs) => {
      const [first = 1, ...more] = all.toSorted((a, b) => a - b);
      const start: readonly Spread[] = [{ count: first, closedAtMs: undefined }];
      const spreads = more.reduce((before, count) => withMoreShards(before, count, nowMs), start);
      expect(decodeMarker(encodeMarker(spreads))).toEqual(spreads);
    }),
  );
});

test.each([
  '',
  '12',
  '2:12',
  '4:12',
  '3:',
  '3:0',
  '3:65',
  '3:x',
  '3:12,24',
  '3:24@1,12',
  '3:12@1',
  '3:12@x,24',
])('of %j there is nothing to read', (marker) => expect(decodeMarker(marker)).toBeUndefined());
