import { AsyncLocalStorage } from 'node:async_hooks';
import { buildApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/app/config.ts';
import type { DeliveryChannel } from '../../src/delivery/delivery-service.ts';
import { runProcess } from '../../src/process/run-process.ts';
import type { DeliveryQueue } from '../../src/state/ports.ts';
import type { State } from '../../src/state/state.ts';
import { type CrashPoint, goneReservation } from './crash-points.ts';

/*
 * The service, killed the first time that it comes to the point that CRASH_AT names: between two writes,
 * in the process that makes them.
 */

const crashAt = process.env['CRASH_AT'] as CrashPoint | undefined;

/** What the process is at. */
const work = new AsyncLocalStorage<'settlement' | 'retry'>();

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
  const { intake, store, idempotency, scheduler, attemptLog, webhookQueue, eventQueue } = state;
  return {
    ...state,
    intake: {
      async register(payment) {
        await pass('create-before');
        if (crashAt === 'create-between') {
          await scheduler.schedule(payment.id, payment.dueAtMs);
          await pass('create-between');
        }
        const result = await intake.register(payment);
        await pass('create-after');
        return result;
      },
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
    store: {
      ...store,
      async settle(paymentId, decide) {
        const isJob = work.getStore() === 'settlement';
        if (isJob) {
          await pass('settle-before');
        }
        const result = await store.settle(paymentId, decide);
        await pass(isJob ? 'settle-after' : 'process-settled');
        return result;
      },
    },
    scheduler: {
      ...scheduler,
      start: (settle) =>
        scheduler.start((paymentId, dueAtMs) =>
          work.run('settlement', async () => {
            await settle(paymentId, dueAtMs);
            await pass('settlement-done');
          }),
        ),
      async hasten(paymentId, dueAtMs) {
        const isScheduled = await scheduler.hasten(paymentId, dueAtMs);
        await pass('process-hastened');
        return isScheduled;
      },
    },
    attemptLog: {
      ...attemptLog,
      async record(paymentId, settledAtMs, attempt) {
        await pass('webhook-sent');
        await attemptLog.record(paymentId, settledAtMs, attempt);
      },
    },
    webhookQueue: queueWithCrashPoints(webhookQueue, {
      queued: 'retry-queued',
      before: 'retry-before',
      sent: 'retry-sent',
      requeued: 'retry-requeued',
    }),
    eventQueue:
      eventQueue &&
      queueWithCrashPoints(eventQueue, {
        queued: 'retry-queued:event',
        before: 'retry-before:event',
        sent: 'retry-sent:event',
        requeued: 'retry-requeued:event',
      }),
  };
}

function queueWithCrashPoints<Delivery>(
  queue: DeliveryQueue<Delivery>,
  points: Readonly<Record<'queued' | 'before' | 'sent' | 'requeued', CrashPoint>>,
): DeliveryQueue<Delivery> {
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
    async add(delivery, dueAtMs) {
      const result = await queue.add(delivery, dueAtMs);
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
    async accept(event, payment) {
      if (crashAt === second) {
        await forEver(); // until the other is done
      }
      await channel.accept(event, payment);
      await pass(first);
      if (name === 'eventbridge') {
        await pass('webhook-sent:event');
      } else if (event.reservationId === goneReservation) {
        await pass('given-up');
      }
    },
    drain: (untilMs) => channel.drain(untilMs),
  };
}

process.once('disconnect', () => process.exit(1));
await runProcess('crashing replica', 'HOST, GRPC_PORT and HEALTH_PORT', async (logDestination) => {
  const app = await buildApp(loadConfig(process.env), {
    logDestination,
    wrapState: withCrashPoints,
    wrapChannel: channelWithCrashPoints,
  });
  return {
    async start() {
      process.send?.(await app.start());
    },
    stop: () => app.stop(),
  };
});
