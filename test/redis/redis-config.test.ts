import { expect, test } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { mistakesOf } from '../support/config-mistakes.ts';

test.each([
  'redis://127.0.0.1',
  'redis://redis.example:6380/2',
  'redis://user:p%40ss%2Fword@redis.example',
  'rediss://:token@[::1]:6379/',
])('%s is an address', (url) => {
  expect(loadConfig({ REDIS_URL: url }).redis).toEqual({ url, cluster: false, shards: 1, indexed: true });
});

test.each([
  'redis.example:6379',
  'http://redis.example',
  'redis://',
  'redis://:hush-hush@redis.example/first',
  'redis://:hush-hush@redis.example?db=1',
  'redis://:hush-hush%@redis.example',
  'redis://:hush-hush@one.example:6379,two.example:6379',
])('%s is none, and the mistake does not repeat it', (url) => {
  const mistakes = mistakesOf({ REDIS_URL: url });
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toMatch(/^REDIS_URL must /);
  expect(mistakes[0]).not.toContain('hush-hush');
});

test('a cluster has one database, and shards are from 1 to 64', () => {
  expect(mistakesOf({ REDIS_URL: 'redis://redis.example/1', REDIS_CLUSTER: 'on' })).toHaveLength(1);
  expect(
    mistakesOf({ REDIS_URL: 'redis://redis.example/0', REDIS_CLUSTER: 'on', QUEUE_SHARDS: '64' }),
  ).toEqual([]);
  expect(mistakesOf({ QUEUE_SHARDS: '65' })).toHaveLength(1);
  expect(mistakesOf({ QUEUE_SHARDS: '0' })).toHaveLength(1);
  expect(loadConfig({}).redis).toEqual({ url: undefined, cluster: false, shards: 1, indexed: true });
});

test('payments in Redis stay until a settlement that was cut off is finished', () => {
  const redis = { REDIS_URL: 'redis://redis.example' };
  expect(mistakesOf({ ...redis, PAYMENT_TTL_MS: '59999' })).toEqual([
    'PAYMENT_TTL_MS must be at least 60000 with REDIS_URL',
  ]);
  expect(mistakesOf({ ...redis, PAYMENT_TTL_MS: '60000' })).toEqual([]);
  expect(mistakesOf({ PAYMENT_TTL_MS: '1' })).toEqual([]);
});
