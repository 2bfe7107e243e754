import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { runProcess } from '../../src/run-process.ts';
import type { DeliveryChannel } from '../../src/delivery/delivery-service.ts';
import type { State } from '../../src/state/state.ts';
import type { CrashPoint } from './crash-points.ts';

/*
 * The service, killed the first time that it comes to the point that CRASH_AT names: what stands
 * between two writes, in the process that makes them.
 */

const crashAt = process.env['CRASH_AT'] as CrashPoint | undefined;

/** Kills this process at its point; otherwise nothing. */
async function pass(point: CrashPoint): Promise<void> {
  if (point === crashAt) {
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => undefined); // whatever runs until the signal arrives, it is not what comes next
  }
}

function withCrashPoints(state: State): State {
  const { intake, store, idempotency, scheduler, webhookQueue, eventQueue } = state;
  return {
    ...state,
    intake: {
      async register(payment) {
        await pass('create: before the write');
        const result = await intake.register(payment);
        await pass('create: written, not answered');
        return result;
      },
    },
    idempotency: {
      ...idempotency,
      once: (call, propose, execute) =>
        idempotency.once(call, propose, async (value) => {
          await pass('create with a key: reserved, not written');
          await execute(value);
          await pass('create with a key: written, not completed');
        }),
    },
    store: {
      ...store,
      async settle(paymentId, decide) {
        await pass('settle: not written');
        const result = await store.settle(paymentId, decide);
        await pass('settle: written, nothing told');
        return result;
      },
    },
    scheduler: {
      ...scheduler,
      start: (settle) =>
        scheduler.start(async (paymentId, dueAtMs) => {
          await pass('settlement job: taken');
          await settle(paymentId, dueAtMs);
          await pass('settlement job: done, not ended');
        }),
      async hasten(paymentId, dueAtMs) {
        await pass('process: not hastened');
        const isScheduled = await scheduler.hasten(paymentId, dueAtMs);
        await pass('process: hastened, not settled');
        return isScheduled;
      },
    },
    webhookQueue: {
      ...webhookQueue,
      start: (attempt) =>
        webhookQueue.start(async (delivery) => {
          await pass('webhook retry: taken');
          await attempt(delivery);
          await pass('webhook retry: done, not ended');
        }),
      async add(delivery, dueAtMs) {
        await pass('webhook failed: retry not queued');
        const result = await webhookQueue.add(delivery, dueAtMs);
        await pass('webhook failed: retry queued, job not ended');
        return result;
      },
    },
    eventQueue: eventQueue && {
      ...eventQueue,
      start: (attempt) =>
        eventQueue.start(async (retry) => {
          await pass('event retry: taken');
          await attempt(retry);
          await pass('event retry: done, not ended');
        }),
      async add(retry, dueAtMs) {
        await pass('event failed: retry not queued');
        const result = await eventQueue.add(retry, dueAtMs);
        await pass('event failed: retry queued, job not ended');
        return result;
      },
    },
  };
}

/** Past the last of these the other channel may be at any point of its own. */
function channelWithCrashPoints(name: 'webhook' | 'eventbridge', channel: DeliveryChannel): DeliveryChannel {
  const subject = name === 'webhook' ? 'webhook' : 'event';
  return {
    async accept(event, payment) {
      await pass(`${subject}: not sent`);
      await channel.accept(event, payment);
      await pass(`${subject}: delivered, nothing noted`);
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
