import { AsyncLocalStorage } from 'node:async_hooks';
import { buildApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/app/config.ts';
import type { DeliveryChannel } from '../../src/delivery/delivery-service.ts';
import { runProcess } from '../../src/process/run-process.ts';
import type { Delivery } from '../../src/delivery/delivery.ts';
import type { DeliveryQueue } from '../../src/delivery/ports.ts';
import { bucketJob } from '../../src/state/redis/bucket-jobs.ts';
import { bucketAt } from '../../src/state/redis/buckets.ts';
import type { RedisPaymentParts } from '../../src/state/redis/payments.ts';
import type { State } from '../../src/state/state.ts';
import { type CrashPoint, goneReservation } from './crash-points.ts';

/*
 * The service, killed the first time that it comes to the point that CRASH_AT names: between two writes,
 * in the process that makes them.
 */

const crashAt = process.env['CRASH_AT'] as CrashPoint | undefined;

/** What the process is at. */
const work = new AsyncLocalStorage<'settlement' | 'retry' | 'change' | 'refund'>();

/** Kills this process at its point; otherwise nothing. */
async function pass(point: CrashPoint): Promise<void> {
  if (point === crashAt) {
    process.kill(process.pid, 'SIGKILL');
    await forEver(); // what comes next does not happen, however late the signal arrives
  }
}

function forEver(): Promise<never> {
  return new Promise(() => undefined);
}

function withCrashPoints(state: State): State {
  const { payments, idempotency, attemptLog, webhookQueue, eventQueue } = state;
  return {
    ...state,
    payments: {
      ...payments,
      async register(payment) {
        await pass('create-before');
        const result = await payments.register(payment);
        await pass('create-after');
        return result;
      },
      registerOnce: async (payment, call) => {
        await pass('create-before');
        const result = await payments.registerOnce?.(payment, call);
        await pass('create-after');
        return result ?? 'full';
      },
      transition: (paymentId, decide) => work.run('change', () => payments.transition(paymentId, decide)),
    },
    idempotency: {
      ...idempotency,
      once: (call, propose, execute) =>
        idempotency.once(call, propose, async (value) => {
          await pass('key-reserved');
          await execute(value);
          await pass('key-uncompleted');
        }),
    },
    attemptLog: attemptLog && {
      ...attemptLog,
      async record(event, attempt) {
        await pass('webhook-sent');
        await attemptLog.record(event, attempt);
      },
    },
    webhookQueue: queueWithCrashPoints(webhookQueue, {
      queued: 'retry-queued',
      before: 'retry-before',
      sent: 'retry-sent',
      requeued: 'retry-requeued',
    }),
    eventQueue: queueWithCrashPoints(eventQueue, {
      queued: 'retry-queued:event',
      before: 'retry-before:event',
      sent: 'retry-sent:event',
      requeued: 'retry-requeued:event',
    }),
  };
}

/** The points between the writes of one step: see `createRedisPayments`. */
function partsWithCrashPoints(parts: RedisPaymentParts): RedisPaymentParts {
  const { records, settlements, bucketReader, refunds, announcements } = parts;
  return {
    ...parts,
    records: {
      ...records,
      async register(payment, once) {
        if (crashAt === 'create-between') {
          await settlements.add(0, bucketJob(bucketAt(payment.dueAtMs)));
          await pass('create-between');
        }
        return await records.register(payment, once);
      },
      async change(stored, change) {
        const isJob = work.getStore() === 'settlement';
        if (isJob) {
          await pass('settle-before');
        }
        const changed = await records.change(stored, change);
        if (isJob) {
          await pass('settle-after');
        }
        return changed;
      },
      async changeInBucket(stored, change, dueAtMs) {
        await pass(isChange() ? 'cancel-before' : 'process-before');
        const changed = await records.changeInBucket(stored, change, dueAtMs);
        await pass(isChange() ? 'cancel-settled' : 'process-settled');
        return changed;
      },
      async changeWithJobs(stored, change, jobs) {
        const isJob = work.getStore() === 'refund';
        if (isJob) {
          await pass('refund-before');
        }
        const changed = await records.changeWithJobs(stored, change, jobs);
        await pass(isJob ? 'refund-ended' : change.event === undefined ? 'refund-begun' : 'refund-settled');
        return changed;
      },
    },
    settlements: {
      ...settlements,
      handle: (run) =>
        settlements.handle((id, data, failures, shard) =>
          work.run('settlement', async () => {
            await run(id, data, failures, shard);
            await pass('settlement-done');
          }),
        ),
    },
    bucketReader: {
      ...bucketReader,
      async told(shard, bucket, id) {
        await pass('settlement-told');
        await bucketReader.told(shard, bucket, id);
      },
    },
    refunds: {
      ...refunds,
      handle: (run) =>
        refunds.handle((id, job, failures, shard) =>
          work.run('refund', async () => {
            await run(id, job, failures, shard);
            await pass('refund-done');
          }),
        ),
    },
    announcements: {
      ...announcements,
      handle: (run) =>
        announcements.handle(async (id, announcement, failures, shard) => {
          await pass('announce-before');
          await run(id, announcement, failures, shard);
          await pass('announce-done');
        }),
    },
  };
}

/** Whether a call changes a payment, and does not hasten it. */
function isChange(): boolean {
  return work.getStore() === 'change';
}

function queueWithCrashPoints<D extends Delivery>(
  queue: DeliveryQueue<D>,
  points: Readonly<Record<'queued' | 'before' | 'sent' | 'requeued', CrashPoint>>,
): DeliveryQueue<D> {
  return {
    ...queue,
    start: (attempt) =>
      queue.start((delivery) =>
        work.run('retry', async () => {
          await pass(points.before);
          await attempt(delivery);
          await pass(points.sent);
        }),
      ),
    async add(delivery, delayMs) {
      const result = await queue.add(delivery, delayMs);
      await pass(work.getStore() === 'retry' ? points.requeued : points.queued);
      return result;
    },
  };
}

function channelWithCrashPoints(name: 'webhook' | 'eventbridge', channel: DeliveryChannel): DeliveryChannel {
  /** The one at which this channel has delivered, and the one at which the other has. */
  const [ours, others] = ['one-channel', 'one-channel:event'] as const;
  const [first, second] = name === 'webhook' ? ([ours, others] as const) : ([others, ours] as const);
  return {
    start: () => channel.start(),
    async accept(event) {
      if (crashAt === second) {
        await forEver(); // until the other is done
      }
      await channel.accept(event);
      await pass(first);
      if (name === 'eventbridge') {
        await pass('webhook-sent:event');
      } else if (event.payment.reservationId === goneReservation) {
        await pass('given-up');
      }
    },
    hasRoom: (origin) => channel.hasRoom(origin),
    drain: (withinMs) => channel.drain(withinMs),
  };
}

process.once('disconnect', () => process.exit(1));
await runProcess(
  {
    name: 'crashing replica',
    addressVariables: 'HOST, GRPC_PORT and HEALTH_PORT',
  },
  async ({ destination: logDestination }) => {
    const app = await buildApp(loadConfig(process.env), {
      logDestination,
      wrapState: withCrashPoints,
      wrapRedisPayments: partsWithCrashPoints,
      wrapChannel: channelWithCrashPoints,
    });
    return {
      async start() {
        process.send?.(await app.start());
      },
      stop: () => app.stop(),
    };
  },
);
