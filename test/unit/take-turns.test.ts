import { expect, test } from 'vitest';
import { createTurns } from '../../src/base/take-turns.ts';

test('no more than so many run at a time, the others in their order, and one that fails makes room', async () => {
  const inTurn = createTurns(2);
  const begun: number[] = [];
  const ends = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const results = ends.map(({ promise }, index) =>
    inTurn(async () => {
      begun.push(index);
      await promise;
      return index;
    }),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  ends[1]?.reject(new Error('broken'));
  await expect(results[1]).rejects.toThrow('broken');
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  ends.forEach(({ resolve }) => resolve());
  expect(await Promise.allSettled(results)).toMatchObject([
    { value: 0 },
    {},
    { value: 2 },
    { value: 3 },
    { value: 4 },
  ]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect(await inTurn(async () => 'free again')).toBe('free again');
});
