import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  countOf,
  hashShard,
  namedShard,
  placeId,
  shardNumber,
  shardsOf,
} from '../../src/state/redis/shard-numbers.ts';

const paymentId = fc.uuid().map((uuid) => `pay-${uuid}`);
const count = fc.integer({ min: 1, max: 64 });

test('texts are spread over all shards evenly, and always the same way', () => {
  const counts = new Map<number, number>();
  for (let i = 0; i < 8_000; i += 1) {
    const shard = hashShard(`pay-${i}`, 8);
    expect(hashShard(`pay-${i}`, 8)).toBe(shard);
    counts.set(shard, (counts.get(shard) ?? 0) + 1);
  }
  expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual(shardsOf(8));
  expect(Math.min(...counts.values())).toBeGreaterThan(800);
  // Replicas of two releases must agree: this must never change.
  expect(hashShard('pay-00000000-0000-4000-8000-000000000000', 8)).toBe(shardNumber(8, 4));
});

test('an id names the shard that it was placed in, and of how many it is one', () => {
  fc.assert(
    fc.property(paymentId, fc.string(), count, (id, key, shards) => {
      const shard = hashShard(key, shards);
      const placed = placeId(id, shard);
      expect(namedShard(placed)).toBe(shard);
      expect(countOf(shard)).toBe(shards);
      expect(placed).toMatch(/^pay-[0-9a-f-]{36}$/);
      expect(placed.slice(0, -3)).toBe(id.slice(0, -3));
    }),
  );
});

test('the numbers of all shards are different', () => {
  const all = Array.from({ length: 64 }, (_, index) => shardsOf(index + 1)).flat();
  expect(new Set(all).size).toBe(all.length);
});

test('ids of another form name no shard, and can be placed where there is only one', () => {
  expect(namedShard('pay-1')).toBeUndefined();
  // The 64th of one.
  expect(namedShard('pay-00000000-0000-4000-8000-00000000003f')).toBeUndefined();
  expect(placeId('pay-1', shardNumber(1, 0))).toBe('pay-1');
  expect(() => placeId('pay-1', shardNumber(2, 0))).toThrow(RangeError);
});
