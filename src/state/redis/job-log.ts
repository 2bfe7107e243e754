import type { Worker } from 'bullmq';
import type { Logger } from '../../observability/logger.ts';
import { HandedOverError, PaymentError } from '../../payment/errors.ts';
import { NothingToDoError, UnknownJobFormError } from './job-records.ts';
import { describeRedisError } from './redis-error.ts';

/** What the log says of the jobs of a queue. */
export interface JobLog {
  /** Logs what a worker of the queue reports. */
  readonly follow: (worker: Worker<unknown>) => void;
  /** Redis failed the queue or a worker, which tries again by itself. */
  readonly failed: (error: unknown) => void;
}

/**
 * See `JobLog`.
 *
 * @param queue its name.
 * @param maxAttempts after so many a job is given up.
 */
export function createJobLog(queue: string, maxAttempts: number, logger: Logger): JobLog {
  /** Whether a job of another release was told of. */
  let hasToldOfOthers = false;
  const failed = (error: unknown): void =>
    logger.debug({ queue, error: describeRedisError(error) }, 'Redis failed a worker');
  return {
    failed,
    follow(worker) {
      worker.on('error', failed);
      worker.on('stalled', (job) =>
        logger.warn({ queue, job }, 'A job was left by a process, and is done again'),
      );
      worker.on('failed', (job, error) => {
        const fields = { queue, job: job?.id, error: error.message };
        if (job !== undefined && job.attemptsMade >= maxAttempts) {
          logger.error(fields, 'A job was given up');
        } else if (isOfOtherRelease(error)) {
          // Once: its jobs come back until a replica of that release takes them.
          if (!hasToldOfOthers) {
            hasToldOfOthers = true;
            logger.warn(fields, 'A job of another release is left to it');
          }
        } else if (!(error instanceof HandedOverError || error instanceof NothingToDoError)) {
          logger.warn(fields, 'A job failed, to be tried again');
        }
      });
    },
  };
}

function isOfOtherRelease(error: Error): boolean {
  return (
    error instanceof UnknownJobFormError ||
    (error instanceof PaymentError && error.reason.kind === 'unknown-form')
  );
}
