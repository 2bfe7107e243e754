import { expect, test } from 'vitest';
import { createLoopBatch } from '../../src/state/redis/loop-batch.ts';

/** A batch whose runs end when the test says so. */
function startBatch(maxSize: number, maxInFlight: number) {
  const runs: { readonly shard: number; readonly items: readonly number[]; end(failure?: Error): void }[] =
    [];
  const add = createLoopBatch<number, string>({
    maxSize,
    maxInFlight,
    run: (shard, items) =>
      new Promise((resolve, reject) => {
        const results = items.map((item) => `${shard}:${item}`);
        runs.push({
          shard,
          items,
          end: (failure) => (failure === undefined ? resolve(results) : reject(failure)),
        });
      }),
  });
  return { runs, add, items: () => runs.map((run) => run.items) };
}

const nextIteration = () => new Promise((resolve) => setImmediate(resolve));

test('what comes in one iteration of the event loop goes together, by shard, and each gets its own result', async () => {
  const { runs, add, items } = startBatch(10, 1);
  const results = Promise.all([add(0, 1), add(1, 2), add(0, 3)]);
  expect(runs).toEqual([]);
  await nextIteration();
  expect(items()).toEqual([[1, 3], [2]]);
  runs.forEach((run) => run.end());
  expect(await results).toEqual(['0:1', '1:2', '0:3']);
});

test('no more go together than may, and no more runs are under way than may; the rest gathers', async () => {
  const { runs, add, items } = startBatch(2, 2);
  const results = Promise.all([1, 2, 3, 4, 5].map((item) => add(0, item)));
  await nextIteration();
  expect(items()).toEqual([
    [1, 2],
    [3, 4],
  ]);
  const late = add(0, 6);
  await nextIteration();
  expect(runs).toHaveLength(2);
  runs[1]?.end();
  await expect.poll(items).toHaveLength(3);
  expect(runs[2]?.items).toEqual([5, 6]);
  runs[0]?.end();
  runs[2]?.end();
  expect(await results).toEqual(['0:1', '0:2', '0:3', '0:4', '0:5']);
  expect(await late).toBe('0:6');
});

test('a run that fails fails for all of it, and for nothing else', async () => {
  const { runs, add } = startBatch(2, 1);
  const results = Promise.allSettled([1, 2, 3].map((item) => add(0, item)));
  await nextIteration();
  runs[0]?.end(new Error('gone'));
  await expect.poll(() => runs.length).toBe(2);
  runs[1]?.end();
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});
