import type { Clock } from '../../base/clock.ts';
import type { WebhookDelivery } from '../../delivery/webhook/delivery.ts';
import type { State } from '../state.ts';
import { createMemoryAttemptLog } from './attempt-log.ts';
import { createMemoryDeliveryQueue } from './delivery-queue.ts';
import { createMemoryIdempotencyStore } from './idempotency-store.ts';
import { createMemoryPaymentIntake } from './payment-intake.ts';
import { createMemoryPaymentStore } from './payment-store.ts';
import { createMemorySettlementScheduler } from './settlement-scheduler.ts';

/** How long and how much to remember; times in milliseconds. */
export interface MemoryStateOptions {
  readonly clock: Clock;
  readonly paymentTtlMs: number;
  readonly idempotencyTtlMs: number;
  readonly maxPayments: number;
  readonly webhookMaxAttempts: number;
  readonly webhookMaxBacklog: number;
  readonly webhookMaxBacklogPerOrigin: number;
}

/** Everything in this process's memory: gone when it ends. */
export function createMemoryState(options: MemoryStateOptions): State {
  const { clock, maxPayments, paymentTtlMs: ttlMs } = options;
  const store = createMemoryPaymentStore({ clock, ttlMs, maxPayments });
  const scheduler = createMemorySettlementScheduler(clock);
  const idempotency = createMemoryIdempotencyStore({
    clock,
    ttlMs: options.idempotencyTtlMs,
    maxKeys: maxPayments,
  });
  const maxAttempts = options.webhookMaxAttempts;
  const attemptLog = createMemoryAttemptLog({ clock, ttlMs, maxPayments, maxAttempts });
  return {
    store,
    scheduler,
    idempotency,
    attemptLog,
    intake: createMemoryPaymentIntake(store, scheduler),
    webhookQueue: createMemoryDeliveryQueue<WebhookDelivery>({
      clock,
      maxWaiting: options.webhookMaxBacklog,
      maxWaitingPerOrigin: options.webhookMaxBacklogPerOrigin,
    }),
    eventQueue: undefined,
    outlivesProcess: false,
    start: () => Promise.resolve(),
    unreadyReason: () => undefined,
    close: async () => void (await Promise.all([store.close(), idempotency.close(), attemptLog.close()])),
  };
}
