import type { MachineClock } from '../../base/clock.ts';
import { PaymentError } from '../../payment/errors.ts';
import { bucketAt, bucketMs, dueTimeOf } from './buckets.ts';
import type { JobQueue, NewJob } from './job-queue.ts';
import { settlementData } from './job-records.ts';

/** What a script says of the job of a bucket that it was to use. */
export type BucketRefusal = 'absent' | 'begun';

/** Finds buckets whose jobs are there and have not begun. */
export interface BucketJobs {
  /**
   * Uses the bucket of that time, in milliseconds since the epoch, and later ones as long as `write` says that their
   * jobs have begun. The job is there before `write` is called.
   *
   * @param write calls a script with the key of the bucket's job.
   * @throws PaymentError `state-unavailable` when there is none after many tries.
   */
  use<Outcome extends string>(
    shard: number,
    dueAtMs: number,
    write: (bucket: string, jobKey: string) => Promise<Outcome | BucketRefusal>,
  ): Promise<Outcome>;
  /** The bucket to try first. */
  first(dueAtMs: number): string;
  /** Has the job of a bucket added, unless this process has done so; not waited for. */
  ensure(shard: number, bucket: string): Promise<void>;
  /** The bucket to try next. @param tries how many were refused before. */
  after(shard: number, bucket: string, refusal: BucketRefusal, tries: number): string;
}

/** The job of a bucket. */
export function bucketJob(bucket: string): NewJob {
  return { id: bucket, data: settlementData, dueAtMs: dueTimeOf(bucket) };
}

/**
 * So often a bucket is looked for, each time twice as far ahead: to a replica whose clock is behind, buckets of now have
 * begun, by as much as it is behind. 1.7 minutes in all.
 */
export const maxBucketTries = 12;

/** So many buckets are remembered; one that is forgotten has its job added once more, which changes nothing. */
const maxRemembered = 4_096;

/** See `BucketJobs`. */
export function createBucketJobs(
  settlements: Pick<JobQueue<unknown>, 'add' | 'keyOf'>,
  clock: MachineClock,
): BucketJobs {
  /** Those whose jobs this process has added, the oldest first. */
  const known = new Set<string>();

  function remember(mark: string): void {
    const [oldest] = known;
    if (known.size >= maxRemembered && oldest !== undefined) {
      known.delete(oldest);
    }
    known.add(mark);
  }

  const self: BucketJobs = {
    first: (dueAtMs) => bucketAt(Math.max(dueAtMs, clock.now())),

    async ensure(shard, bucket) {
      const mark = `${shard} ${bucket}`;
      if (known.has(mark)) {
        return;
      }
      remember(mark);
      try {
        await settlements.add(shard, bucketJob(bucket));
      } catch (error) {
        known.delete(mark);
        throw error;
      }
    },

    after(shard, bucket, refusal, tries) {
      if (refusal === 'absent') {
        known.delete(`${shard} ${bucket}`);
        return bucket;
      }
      return bucketAt(Math.max(dueTimeOf(bucket), clock.now()) + bucketMs * 2 ** tries);
    },

    async use(shard, dueAtMs, write) {
      let bucket = self.first(dueAtMs);
      for (let tries = 0; tries < maxBucketTries; tries += 1) {
        await self.ensure(shard, bucket);
        const outcome = await write(bucket, settlements.keyOf(shard, bucket));
        if (!isRefusal(outcome)) {
          return outcome;
        }
        bucket = self.after(shard, bucket, outcome, tries);
      }
      throw noBucket();
    },
  };
  return self;
}

function isRefusal(outcome: string): outcome is BucketRefusal {
  return outcome === 'absent' || outcome === 'begun';
}

/** Somebody deletes jobs, or a clock is far ahead. */
export function noBucket(): PaymentError {
  return new PaymentError({ kind: 'state-unavailable', detail: 'did not take all of a payment' });
}
