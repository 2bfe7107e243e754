import { expect, test } from 'vitest';
import { bucketAt } from '../../src/state/redis/buckets.ts';
import { createBucketJobs } from '../../src/state/redis/bucket-jobs.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function createJobs(failing = false) {
  const clock = createFakeClock(1_000_000);
  const added: string[] = [];
  const jobs = createBucketJobs(
    {
      async add(shard, { id }) {
        added.push(`${shard} ${id}`);
        if (failing) {
          throw new Error('out of reach');
        }
      },
      keyOf: (shard, id) => `${shard}:${id}`,
    },
    clock,
  );
  return { clock, added, jobs };
}

test('the job of a bucket is added once, and once more when it is not there', async () => {
  const { jobs, added } = createJobs();
  const bucket = jobs.first(1_000_010);
  await Promise.all([jobs.ensure(0, bucket), jobs.ensure(0, bucket), jobs.ensure(1, bucket)]);
  expect(added).toEqual([`0 ${bucket}`, `1 ${bucket}`]);
  expect(jobs.after(0, bucket, 'absent', 0)).toBe(bucket);
  await jobs.ensure(0, bucket);
  expect(added).toHaveLength(3);
});

test('a job that could not be added is added the next time', async () => {
  const { jobs, added } = createJobs(true);
  await expect(jobs.ensure(0, 'b1')).rejects.toThrow('out of reach');
  await expect(jobs.ensure(0, 'b1')).rejects.toThrow('out of reach');
  expect(added).toHaveLength(2);
});

test('where buckets have begun, as to a clock that is behind, later ones are tried, each twice as far', async () => {
  const { jobs, clock } = createJobs();
  const aheadMs = 40_000;
  const tried: string[] = [];
  const used = await jobs.use(0, 0, async (bucket) => {
    tried.push(bucket);
    return bucket < bucketAt(clock.now() + aheadMs) ? 'begun' : bucket;
  });
  expect(used >= bucketAt(clock.now() + aheadMs)).toBe(true);
  expect(tried.slice(0, 3)).toEqual([0, 50, 150].map((ms) => bucketAt(clock.now() + ms)));
  expect(tried.length).toBeLessThan(12);
});

test('a payment that no bucket takes is refused', async () => {
  const { jobs } = createJobs();
  await expect(jobs.use(0, 0, async () => 'begun')).rejects.toThrow('did not take all of a payment');
});
