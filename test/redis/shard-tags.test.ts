import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encodeMarker } from '../../src/state/redis/shard-marker.ts';
import { shardNumber, shardPrefix, shardsOf } from '../../src/state/redis/shard-numbers.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';

requireRedisInCi();

const slotCount = 16_384;
const maxShards = 64;

/** The first slot of each master, as `redis-cli --cluster create` deals the slots out. */
function firstSlots(masters: number): number[] {
  const perMaster = slotCount / masters;
  return Array.from({ length: masters }, (_, nth) => (nth === 0 ? 0 : Math.round(nth * perMaster - 1) + 1));
}

/** How many of the slots each master has. */
function spread(slots: readonly number[], masters: number): number[] {
  const first = firstSlots(masters);
  const counts = first.map(() => 0);
  for (const slot of slots) {
    const master = first.findLastIndex((from) => from <= slot);
    counts[master] = (counts[master] ?? 0) + 1;
  }
  return counts;
}

function allPrefixes(shards: number): string[] {
  return shardsOf(shards).map(shardPrefix);
}

describe.skipIf(missingRedis !== undefined)('the hash tags of shards', () => {
  test('lie in the slots, as Redis counts them, that spread any number of shards evenly over 3 to 12 masters', async () => {
    // Only a Redis in cluster mode tells the slot of a key.
    const redis = await startRedisServer({ args: ['--cluster-enabled', 'yes'] });
    const client = new Redis(redis.port, '127.0.0.1');
    onTestFinished(() => client.disconnect());
    for (let shards = 1; shards <= maxShards; shards += 1) {
      const prefixes = allPrefixes(shards);
      const slots = await Promise.all(
        prefixes.map((prefix) => client.cluster('KEYSLOT', `${prefix}:payment:pay-1`)),
      );
      expect(slots, `${shards} shards`).toEqual(slots.toSorted((a, b) => a - b));
      for (let masters = 3; masters <= 12; masters += 1) {
        const counts = spread(slots, masters);
        expect(Math.max(...counts), `${shards} shards, ${masters} masters`).toBe(Math.ceil(shards / masters));
        expect(Math.min(...counts), `${shards} shards, ${masters} masters`).toBe(
          Math.floor(shards / masters),
        );
      }
    }
  });
});

test('different numbers of shards have no key in common', () => {
  const prefixes = Array.from({ length: maxShards }, (_, index) => allPrefixes(index + 1)).flat();
  expect(new Set(prefixes).size).toBe(prefixes.length);
});

test('the keys of a payment never change, unless the marker does', () => {
  // Another release that finds the same marker goes on with what is there.
  expect(encodeMarker([{ count: 1, closedAtMs: undefined }])).toBe('3:1');
  expect(shardPrefix(0)).toBe('{payment-sim:1:0:42}');
  expect(shardPrefix(shardNumber(12, 11))).toMatch(/^\{payment-sim:12:11:\d+\}$/);
  expect(() => shardPrefix(1)).toThrow(RangeError);
});
