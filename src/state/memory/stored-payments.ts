import type { MachineClock, SimClock, Timer } from '../../base/clock.ts';
import type { Fifo } from '../../base/fifo.ts';
import { eachInSlices } from '../../base/slices.ts';
import { createPageSelection, type PageQuery, type PaymentPage } from '../../payment/page.ts';
import { hasPendingRefund, isSettled, type Payment, type SettledPayment } from '../../payment/payment.ts';
import { bytesOfPayment, type MemoryBudget } from './memory-budget.ts';

/** Payments in memory, and which of them leave next. */
export interface StoredPayments {
  readonly clock: SimClock;
  readonly machine: MachineClock;
  /** Settled payments leave this long after their settlement, in milliseconds. */
  readonly ttlMs: number;
  readonly budget: MemoryBudget;
  readonly payments: Map<string, Payment>;
  /** The settled ones in the order they settled, and as they were then; the order they leave in. */
  readonly settled: Fifo<SettledPayment>;
  /** How many of `settled` are not there any more, because they were removed before their time. */
  removedEarly: number;
  sweepTimer: Timer | undefined;
}

/** Longest time that an expired payment may hold memory, in milliseconds. */
const maxSweepIntervalMs = 10_000;
/** So many expired payments leave at once; then the event loop has its turn. */
const evictedPerLoop = 10_000;
/** So many payments with a refund under way are passed over, in search of one that may leave. */
const maxKeptInARow = 1_000;
/** So many payments are looked at for a list; then the event loop has its turn. Looking takes some 0.3 µs. */
const listedPerLoop = 2_000;

/** The payment, unless its time is over. */
export function find(self: StoredPayments, paymentId: string): Payment | undefined {
  const payment = self.payments.get(paymentId);
  return payment !== undefined && isExpired(self, payment) ? undefined : payment;
}

/** A refund that was taken is carried out, however long it takes. */
function isExpired(self: StoredPayments, payment: Payment): boolean {
  return (
    isSettled(payment) && payment.settledAtMs + self.ttlMs <= self.clock.now() && !hasPendingRefund(payment)
  );
}

/** By the machine's time: expired payments take memory whether or not the simulation's clock moves. */
export function sweepLater(self: StoredPayments, delayMs = Math.min(self.ttlMs, maxSweepIntervalMs)): void {
  self.sweepTimer = self.machine.setTimer(delayMs, () => {
    const isDone = evictExpired(self);
    sweepLater(self, isDone ? undefined : 0);
  });
}

/** Whether none is left. */
function evictExpired(self: StoredPayments): boolean {
  for (let evicted = 0; evicted < evictedPerLoop; evicted += 1) {
    const oldest = self.settled.peek();
    // As it settled: what came after makes it leave no earlier and, but for a refund under way, no later.
    if (oldest === undefined || !isExpired(self, oldest) || !evictOldest(self)) {
      return true;
    }
  }
  return false;
}

/** False when there is none. */
export function evictOldest(self: StoredPayments): boolean {
  for (let kept = 0; kept <= maxKeptInARow; kept += 1) {
    const oldest = self.settled.shift();
    if (oldest === undefined) {
      return false;
    }
    const payment = self.payments.get(oldest.id);
    if (payment === undefined) {
      self.removedEarly -= 1;
      continue;
    }
    if (!hasPendingRefund(payment)) {
      self.budget.usedBytes -= bytesOfPayment(payment);
      return self.payments.delete(payment.id);
    }
    // Its turn comes again.
    self.settled.push(oldest);
  }
  return false;
}

/** Takes bytes of the budget, those of the oldest if need be; false when there are not so many. */
export function takeBytes(self: StoredPayments, bytes: number): boolean {
  const { budget } = self;
  while (budget.usedBytes + bytes > budget.maxBytes) {
    if (!evictOldest(self)) {
      return false;
    }
  }
  budget.usedBytes += bytes;
  return true;
}

/** Lets go of those that were removed, once they are most of `settled`: each is looked at once on average. */
export function forgetRemoved(self: StoredPayments): void {
  const { settled, payments } = self;
  if (self.removedEarly * 2 > settled.size) {
    const kept = settled.takeAll().filter(({ id }) => payments.has(id));
    kept.forEach((payment) => settled.push(payment));
    self.removedEarly = 0;
  }
}

/** In slices, while payments come and go: those that are there all the time are all seen, and none that come. */
export async function list(self: StoredPayments, query: PageQuery): Promise<PaymentPage> {
  const selection = createPageSelection(query);
  await eachInSlices(
    firstOf(self.payments.values(), self.payments.size),
    (payment) => {
      if (!isExpired(self, payment)) {
        selection.offer(payment);
      }
    },
    listedPerLoop,
  );
  return selection.page();
}

function* firstOf<T>(items: Iterable<T>, count: number): Iterable<T> {
  let left = count;
  for (const item of items) {
    if (left === 0) {
      return;
    }
    left -= 1;
    yield item;
  }
}
