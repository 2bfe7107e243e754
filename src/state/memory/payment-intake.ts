import type { PaymentIntake, SettlementScheduler } from '../ports.ts';
import type { MemoryPaymentStore } from './payment-store.ts';

const registered = Promise.resolve('registered' as const);
const full = Promise.resolve('full' as const);

/** Takes payments in to this process's memory, where nothing can come between store and schedule. */
export function createMemoryPaymentIntake(
  store: MemoryPaymentStore,
  scheduler: SettlementScheduler,
): PaymentIntake {
  return {
    register(payment) {
      if (!store.add(payment)) {
        return full;
      }
      void scheduler.schedule(payment.id, payment.dueAtMs);
      return registered;
    },
  };
}
