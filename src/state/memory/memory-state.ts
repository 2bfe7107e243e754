import { originOf } from '../../base/http-url.ts';
import type { MachineClock, SimClock } from '../../base/clock.ts';
import type { Delivery, WebhookDelivery } from '../../delivery/delivery.ts';
import { createQuietStore } from '../../simulator/journal/quiet-store.ts';
import type { State } from '../state.ts';
import { createMemoryDeliveryQueue } from './delivery-queue.ts';
import { defaultPaymentsBytes } from '../heap-share.ts';
import { createMemoryIdempotencyStore } from './idempotency-store.ts';
import { createMemoryJournalStore } from './journal-store.ts';
import { countWebhookBytes, type MemoryBudget } from './memory-budget.ts';
import { createMemorySteeringStore } from './steering-store.ts';
import { createMemoryPayments } from './payments.ts';

/** How long and how much to remember; times in milliseconds. */
interface MemoryStateOptions {
  readonly clock: SimClock;
  readonly machine: MachineClock;
  readonly paymentTtlMs: number;
  readonly idempotencyTtlMs: number;
  readonly maxPayments: number;
  /** Undefined: a share of the heap's limit. */
  readonly maxPaymentsBytes: number | undefined;
  /** Of the journal; there is none without. */
  readonly journalBytes?: number | undefined;
  readonly webhookMaxBacklog: number;
  readonly webhookMaxBacklogPerOrigin: number;
}

/** Everything in this process's memory: gone when it ends. */
export function createMemoryState(options: MemoryStateOptions): State {
  const { clock, machine, maxPayments, paymentTtlMs: ttlMs } = options;
  const budget: MemoryBudget = { maxBytes: options.maxPaymentsBytes ?? defaultPaymentsBytes(), usedBytes: 0 };
  const payments = createMemoryPayments({ clock, machine, ttlMs, maxPayments, budget });
  const idempotency = createMemoryIdempotencyStore({
    clock,
    ttlMs: options.idempotencyTtlMs,
    maxKeys: maxPayments,
    budget,
  });
  return {
    payments,
    idempotency,
    attemptLog: undefined,
    steering: createMemorySteeringStore(),
    journal:
      options.journalBytes === undefined
        ? undefined
        : createQuietStore(createMemoryJournalStore(machine, options.journalBytes), machine),
    webhookQueue: createMemoryDeliveryQueue<WebhookDelivery>({
      clock,
      maxWaiting: options.webhookMaxBacklog,
      maxWaitingPerOrigin: options.webhookMaxBacklogPerOrigin,
      originOf: ({ url }) => originOf(url),
    }),
    // By the machine's time, as all of EventBridge. Its sender says how many may wait.
    eventQueue: createMemoryDeliveryQueue<Delivery>({
      clock: machine,
      maxWaiting: Infinity,
      maxWaitingPerOrigin: Infinity,
      originOf: () => '',
    }),
    observeDelivery: countWebhookBytes(budget),
    durable: false,
    start: () => Promise.resolve(),
    unreadyReason: () => undefined,
    close: async () => void (await Promise.all([payments.close(), idempotency.close()])),
  };
}
