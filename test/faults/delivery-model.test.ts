import * as fc from 'fast-check';
import type { Dispatcher } from 'undici';
import { expect, test } from 'vitest';
import { observeDeliveries, observePayments } from '../../src/app/observers.ts';
import { createCustody } from '../../src/delivery/custody.ts';
import type { WebhookDelivery } from '../../src/delivery/delivery.ts';
import { createDeliveryService } from '../../src/delivery/delivery-service.ts';
import { createWebhookAttempt } from '../../src/delivery/webhook/attempt.ts';
import { createWebhookCircuits } from '../../src/delivery/webhook/circuits.ts';
import type { RequestClient, WebhookConnections } from '../../src/delivery/webhook/connections.ts';
import { createWebhookSender } from '../../src/delivery/webhook/sender.ts';
import { createWebhookTurns } from '../../src/delivery/webhook/turn.ts';
import { secretToKey } from '../../src/webhook-format/signature.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createAttemptNotes } from '../../src/observability/attempt-notes.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createRandomOutcomes } from '../../src/payment/random-outcomes.ts';
import { createPaymentService } from '../../src/payment/payment-service.ts';
import { createSettlement } from '../../src/payment/settlement.ts';
import { createAttemptLogStandIn } from '../support/attempt-log-stand-in.ts';
import { createMemoryDeliveryQueue } from '../../src/state/memory/delivery-queue.ts';
import { createMemoryIdempotencyStore } from '../../src/state/memory/idempotency-store.ts';
import { createMemoryPayments } from '../../src/state/memory/payments.ts';
import { createRandomIds } from '../../src/base/ids.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { createFakeClock, settlePromises } from '../support/fake-clock.ts';

const origins = ['http://a.test', 'http://b.test', 'http://c.test'] as const;

/** Whoever dispatches here breaks nothing off. */
const controller = {
  aborted: false,
  paused: false,
  reason: null,
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
};

/** How a receiver answers: a status, or a connection that breaks. */
type Behaviour = number | 'breaks';

/** What survives restarts: the receivers and what they, and the log, were told. */
function createWorld(seed: number) {
  const clock = createFakeClock();
  const random = createSeededRandom(seed);
  const behaviours = new Map<string, Behaviour>();
  const received: string[] = [];
  const lines: Record<string, unknown>[] = [];
  let isQueueBroken = false;

  async function answer(
    origin: string,
    headers: Readonly<Record<string, string>>,
    handler: Dispatcher.DispatchHandler,
  ): Promise<void> {
    await settlePromises();
    const behaviour = behaviours.get(origin) ?? 200;
    if (behaviour === 'breaks') {
      handler.onResponseError?.(controller, new Error('other side closed'));
      return;
    }
    if (behaviour === 200) {
      received.push(headers['webhook-id'] ?? '');
    }
    handler.onResponseStart?.(controller, behaviour, { 'retry-after': '3' });
    handler.onResponseEnd?.(controller, {});
  }

  const clientOf = (origin: string): RequestClient => ({
    dispatch({ headers }, handler) {
      void answer(origin, headers as Readonly<Record<string, string>>, handler);
      return true;
    },
  });

  function openConnections(): WebhookConnections {
    let isDestroyed = false;
    return {
      acquire(origin, onAcquired) {
        const connection = { client: clientOf(origin), release: () => undefined };
        void Promise.resolve().then(() => onAcquired(isDestroyed ? 'closed' : connection));
      },
      hasRoom: () => true,
      dismiss: () => undefined,
      stats: () => ({ busy: 0, idle: 0, waiting: 0 }),
      async destroy() {
        isDestroyed = true;
      },
    };
  }

  /** The service as `app.ts` wires it, without servers and sockets. */
  function start() {
    const metrics = createMetrics();
    const destination = {
      write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
    };
    const logger = createLogger('info', destination);
    const retry = { maxAttempts: 4, baseMs: 1_000, maxMs: 10_000 };
    const memoryQueue = createMemoryDeliveryQueue<WebhookDelivery>({
      clock,
      maxWaiting: 4,
      maxWaitingPerOrigin: 2,
      originOf: ({ url }) => new URL(url).origin,
    });
    const queue = {
      ...memoryQueue,
      add: (...args: Parameters<typeof memoryQueue.add>) =>
        isQueueBroken ? Promise.reject(new Error('out of reach')) : memoryQueue.add(...args),
    };
    const connections = openConnections();
    const attemptLog = createAttemptLogStandIn();
    const told = { config: { logFormat: 'json' as const }, logger, logDestination: destination, metrics };
    const observe = observeDeliveries(told, { eventBridge: false }, [
      createAttemptNotes(attemptLog, logger).observe,
    ]);
    const parts = { clock, machine: clock, random, observe };
    const custody = createCustody({
      ...parts,
      channel: 'webhook',
      durable: false,
      maxSlowAttempts: 100,
      queue,
      deadLetterQueue: undefined,
      urlOf: ({ url }) => url,
      origins: undefined,
    });
    const takeTurn = createWebhookTurns({
      ...parts,
      connections,
      circuits: createWebhookCircuits({ ...parts, retry }),
      attempt: createWebhookAttempt({ ...parts, keys: [secretToKey('key')], timeoutMs: 1_000 }),
      maxConnectionWaitMs: custody.maxConnectionWaitMs,
    });
    const sender = createWebhookSender({
      ...parts,
      takeTurn,
      hasRoom: () => true,
      queue,
      custody,
      firstAttemptAtMs: undefined,
      timeoutMs: 1_000,
      retry,
      drainsRetries: true,
    });
    sender.start();
    const delivery = createDeliveryService({
      channels: [{ name: 'webhook', channel: sender }],
      observe,
      deliverLater: () => expect.unreachable(),
    });
    const newId = createRandomIds();
    const idempotency = createMemoryIdempotencyStore({ clock, ttlMs: 3_600_000, maxKeys: 100 });
    const stored = createMemoryPayments({ clock, machine: clock, ttlMs: 3_600_000, maxPayments: 100 });
    const observePayment = observePayments(told, []);
    stored.start(
      createSettlement({
        clock,
        newId,
        announce: delivery.deliver,
        hasRoom: delivery.hasRoom,
        observe: observePayment,
      }),
    );
    const payments = createPaymentService({
      clock,
      outcomes: createRandomOutcomes(0.5, random),
      newId,
      payments: stored,
      idempotency,
      scenarioOptions: {
        defaultScenario: 'RANDOM',
        defaultDelayMs: 2_000,
        delayScenarioMs: 10_000,
        expiryMs: 900_000,
      },
      checkWebhookUrl: (address) => ({ address }),
      maxPayments: 100,
      observe: observePayment,
    });

    async function stop(graceMs: number): Promise<void> {
      const untilMs = clock.now() + graceMs;
      const stopped = (async () => {
        await stored.drain(graceMs / 2);
        await delivery.drain(untilMs - clock.now());
        await Promise.all([stored.close(), idempotency.close(), attemptLog.close(), connections.destroy()]);
      })();
      await clock.advance(graceMs);
      await stopped;
    }
    return { payments, stop };
  }

  return {
    clock,
    behaviours,
    received,
    start,
    breakQueue: (broken: boolean) => void (isQueueBroken = broken),
    logs: (message: string) => lines.filter((line) => line['msg'] === message),
  };
}

type Step =
  | { readonly do: 'create'; readonly origin: number; readonly delayMs: number }
  | { readonly do: 'process'; readonly nth: number; readonly times: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'behave'; readonly origin: number; readonly as: Behaviour }
  | { readonly do: 'break-queue'; readonly broken: boolean }
  | { readonly do: 'restart'; readonly graceMs: number };

const originIndex = fc.nat({ max: origins.length - 1 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('create'),
        origin: originIndex,
        delayMs: fc.nat({ max: 5_000 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('process'),
        nth: fc.nat({ max: 40 }),
        times: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.nat({ max: 20_000 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('behave'),
        origin: originIndex,
        as: fc.constantFrom<Behaviour>(200, 200, 301, 404, 410, 429, 500, 503, 'breaks'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('break-queue'), broken: fc.boolean() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('restart'),
        graceMs: fc.nat({ max: 8_000 }),
      }),
    },
  ),
  { maxLength: 60, size: 'max' },
);

test('whatever happens, each payment settles once and each event arrives or is in the dead letter', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), async (sequence, seed) => {
      const world = createWorld(seed);
      let service = world.start();
      const created: string[] = [];
      /** Those of the running service; a restart forgets the others. */
      let known: string[] = [];

      const perform = async (step: Step): Promise<void> => {
        switch (step.do) {
          case 'create': {
            const paymentId = await service.payments.create({
              reservationId: 'reservation-1',
              userId: 'user-1',
              money: { amount: 1n, currency: 'KRW' },
              scenario: undefined,
              webhookUrl: `${origins[step.origin] ?? origins[0]}/hooks`,
              idempotencyKey: '',
              simulation: { delayMs: step.delayMs },
            });
            created.push(paymentId);
            known.push(paymentId);
            return;
          }
          case 'process': {
            const paymentId = known[step.nth % Math.max(1, known.length)];
            if (paymentId !== undefined) {
              const call = () => service.payments.process({ paymentId, idempotencyKey: '' });
              await Promise.all(Array.from({ length: step.times }, call));
            }
            return;
          }
          case 'advance':
            return await world.clock.advance(step.ms);
          case 'behave':
            return void world.behaviours.set(origins[step.origin] ?? origins[0], step.as);
          case 'break-queue':
            return world.breakQueue(step.broken);
          case 'restart':
            await service.stop(step.graceMs);
            service = world.start();
            known = [];
            return;
        }
      };
      for (const step of sequence) {
        await perform(step);
      }
      await service.stop(5_000);
      for (let i = 0; i < 10; i += 1) {
        await settlePromises();
      }

      const settled = world.logs('Payment processed successfully');
      expect(settled.map((line) => String(line['payment_id'])).toSorted()).toEqual(created.toSorted());
      const eventIds = settled.map((line) => String(line['event_id']));
      expect(new Set(eventIds).size).toBe(eventIds.length);

      const givenUp = world.logs('Webhook given up').map((line) => String(line['event_id']));
      expect(new Set(givenUp).size).toBe(givenUp.length);
      expect(new Set([...world.received, ...givenUp])).toEqual(new Set(eventIds));
      expect(world.clock.timerCount()).toBe(0);
    }),
    { numRuns: 150 },
  );
});
