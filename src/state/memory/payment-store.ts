import type { Clock, Timer } from '../../base/clock.ts';
import {
  applySettlement,
  isSettled,
  type Payment,
  type PendingPayment,
  type SettledPayment,
} from '../../payment/payment.ts';
import type { PaymentStore } from '../ports.ts';
import { Fifo } from '../../base/fifo.ts';

/** How long and how much to remember. */
export interface MemoryPaymentStoreOptions {
  readonly clock: Clock;
  /** Settled payments leave this long after their settlement, in milliseconds. */
  readonly ttlMs: number;
  /** At most this many payments are stored; beyond it the oldest settled ones leave first. */
  readonly maxPayments: number;
}

/** Longest time that an expired payment may hold memory, in milliseconds. */
const maxSweepIntervalMs = 10_000;

const unknown = Promise.resolve(undefined);

/** The store with the way in that its intake takes. */
export interface MemoryPaymentStore extends PaymentStore {
  /** Stores a new payment; false when there is no room. */
  add(payment: PendingPayment): boolean;
}

/** Payments in this process's memory: gone when it ends. */
export function createMemoryPaymentStore(options: MemoryPaymentStoreOptions): MemoryPaymentStore {
  const { clock, ttlMs, maxPayments } = options;
  const payments = new Map<string, Payment>();
  /** The settled ones in the order they settled, which is the order they leave in. */
  const settled = new Fifo<SettledPayment>();
  let sweepTimer: Timer = setSweepTimer();

  function setSweepTimer(): Timer {
    return clock.setTimer(Math.min(ttlMs, maxSweepIntervalMs), () => {
      evictExpired();
      sweepTimer = setSweepTimer();
    });
  }

  function isExpired(payment: SettledPayment): boolean {
    return payment.settledAtMs + ttlMs <= clock.now();
  }

  function evictExpired(): void {
    for (let oldest = settled.peek(); oldest !== undefined && isExpired(oldest); oldest = settled.peek()) {
      evictOldest();
    }
  }

  function evictOldest(): boolean {
    const oldest = settled.shift();
    return oldest !== undefined && payments.delete(oldest.id);
  }

  function add(payment: PendingPayment): boolean {
    if (payments.size >= maxPayments && !evictOldest()) {
      return false;
    }
    payments.set(payment.id, payment);
    return true;
  }

  // No function below is async: each would make a generator and two promises for a value that is there.
  return {
    add,

    get(paymentId) {
      const payment = payments.get(paymentId);
      const gone = payment !== undefined && isSettled(payment) && isExpired(payment);
      return gone ? unknown : Promise.resolve(payment);
    },

    settle(paymentId, decide) {
      const payment = payments.get(paymentId);
      if (payment === undefined) {
        return unknown;
      }
      if (isSettled(payment)) {
        return isExpired(payment) ? unknown : Promise.resolve({ payment, settledNow: false });
      }
      const settledPayment = applySettlement(payment, decide(payment));
      payments.set(paymentId, settledPayment);
      settled.push(settledPayment);
      return Promise.resolve({ payment: settledPayment, settledNow: true });
    },

    count: () => ({ pending: payments.size - settled.size, settled: settled.size }),

    async close() {
      sweepTimer.cancel();
    },
  };
}
