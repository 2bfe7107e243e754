import type { MachineClock, SimClock } from '../../base/clock.ts';
import { Fifo } from '../../base/fifo.ts';
import { originOf } from '../../base/http-url.ts';
import { eachInSlices } from '../../base/slices.ts';
import { within } from '../../base/within.ts';
import { PaymentError } from '../../payment/errors.ts';
import type { Change, Decide } from '../../payment/lifecycle.ts';
import { fitsFilter, type PaymentFilter } from '../../payment/page.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import {
  isSettled,
  type Payment,
  type PendingPayment,
  type SettlementStatus,
} from '../../payment/payment.ts';
import type { PaymentHandlers, Payments, Transition } from '../../payment/ports.ts';
import {
  type BudgetShare,
  bytesOfPayment,
  bytesOfWebhook,
  createBudgetShare,
  type MemoryBudget,
  unlimitedBudget,
} from './memory-budget.ts';
import { settlePaced } from './paced-settling.ts';
import { createSessionDueTimes, type SessionDueTimes } from './session-due-times.ts';
import {
  evictOldest,
  find,
  forgetRemoved,
  list,
  type StoredPayments,
  sweepLater,
  takeBytes,
} from './stored-payments.ts';

interface MemoryPaymentsOptions {
  readonly clock: SimClock;
  readonly machine: MachineClock;
  /** Settled payments leave this long after their settlement, in milliseconds. */
  readonly ttlMs: number;
  /** At most this many payments are stored; beyond it the oldest settled ones leave first. */
  readonly maxPayments: number;
  /** What they take counts in here; beyond it, too, the oldest settled ones leave first. */
  readonly budget?: MemoryBudget;
}

interface State extends Omit<MemoryPaymentsOptions, 'budget'>, StoredPayments {
  /** When the pending ones are due, by id. */
  readonly due: SessionDueTimes<string>;
  /** Refunds under way and events that wait for their time; rare. */
  readonly later: SessionDueTimes<() => void>;
  /** What events take that wait for their time. */
  readonly waiting: BudgetShare;
  handlers: PaymentHandlers | undefined;
  /** Announcements under way. */
  announcing: number;
  /** What is due later settles right away; finite once this process is draining. */
  horizonMs: number;
  onIdle: (() => void) | undefined;
}

const registered = Promise.resolve('registered' as const);
const full = Promise.resolve('full' as const);
const outOfBytes = Promise.resolve('out-of-bytes' as const);

/** Payments in this process's memory: gone when it ends. */
export function createMemoryPayments(options: MemoryPaymentsOptions): Payments & { close(): Promise<void> } {
  const budget = options.budget ?? unlimitedBudget();
  const self: State = {
    ...options,
    budget,
    waiting: createBudgetShare(budget),
    payments: new Map(),
    settled: new Fifo(),
    due: createSessionDueTimes(options.clock, (paymentId) => settleDue(self, paymentId)),
    later: createSessionDueTimes(options.clock, (run) => run()),
    handlers: undefined,
    announcing: 0,
    horizonMs: Infinity,
    onIdle: undefined,
    removedEarly: 0,
    sweepTimer: undefined,
  };
  sweepLater(self);
  // What every payment goes through is not async: that would make a generator and two promises for a value
  // that is there.
  return {
    start: (handlers) => void (self.handlers = handlers),
    register: (payment) => register(self, payment),
    get: (paymentId) => Promise.resolve(find(self, paymentId)),
    transition: (paymentId, decide) => transition(self, paymentId, decide),
    hasten: (paymentId) => transition(self, paymentId, (payment) => settlementOf(self, payment)),
    reschedule: async (paymentId, dueAtMs, outcome) => reschedule(self, paymentId, dueAtMs, outcome),
    announceAt: async (event, dueAtMs) => announceAt(self, event, dueAtMs),
    list: (query) => list(self, query),
    remove: (filter) => remove(self, filter),
    drain: (withinMs) => drain(self, withinMs),
    count() {
      const settled = self.settled.size - self.removedEarly;
      return { pending: self.payments.size - settled, settled };
    },
    scheduled: () => self.due.size(),
    close: async () => self.sweepTimer?.cancel(),
  };
}

function register(self: State, payment: PendingPayment): ReturnType<Payments['register']> {
  if (self.payments.has(payment.id)) {
    return registered;
  }
  if (self.payments.size >= self.maxPayments && !evictOldest(self)) {
    return full;
  }
  // What it is to tell late would have no room to wait.
  if ((payment.extras?.delivery?.delayMs ?? 0) > 0 && self.waiting.isExceeded()) {
    return outOfBytes;
  }
  if (!takeBytes(self, bytesOfPayment(payment))) {
    return outOfBytes;
  }
  storePending(self, payment);
  return registered;
}

/** With its due time; what is due after the horizon settles right away. */
function storePending(self: State, payment: PendingPayment): void {
  self.payments.set(payment.id, payment);
  self.due.add(payment.id, payment.dueAtMs, payment.extras?.sessionId);
  if (payment.dueAtMs > self.horizonMs) {
    queueMicrotask(() => removeDue(self, payment) && settleDue(self, payment.id));
  }
}

/** Async for what `decide` throws; waits for nothing, so that nothing can come between. */
async function transition(self: State, paymentId: string, decide: Decide): Promise<Transition | undefined> {
  const payment = find(self, paymentId);
  const change = payment && decide(payment);
  if (payment === undefined || change === undefined) {
    return payment && { payment, changed: false };
  }
  if (!isSettled(payment)) {
    removeDue(self, payment);
  }
  carryOut(self, payment, change);
  tellIfIdle(self);
  return { payment: change.payment, changed: true };
}

function reschedule(self: State, paymentId: string, dueAtMs: number, outcome?: SettlementStatus): boolean {
  const payment = self.payments.get(paymentId);
  if (payment === undefined || isSettled(payment) || !removeDue(self, payment)) {
    return false;
  }
  storePending(self, { ...payment, dueAtMs, plannedOutcome: outcome ?? payment.plannedOutcome });
  return true;
}

/** What falls due for one that is gone finds nothing to do. */
async function remove(self: State, filter: PaymentFilter): Promise<number> {
  const { payments, budget } = self;
  let removed = 0;
  await eachInSlices([...payments.values()], (payment) => {
    const current = payments.get(payment.id);
    if (current !== undefined && fitsFilter(current, filter) && payments.delete(current.id)) {
      if (isSettled(current)) {
        self.removedEarly += 1;
      } else {
        removeDue(self, current);
      }
      budget.usedBytes -= bytesOfPayment(current);
      removed += 1;
    }
  });
  forgetRemoved(self);
  tellIfIdle(self);
  return removed;
}

/** For a refund whose time has come. */
function endRefund(self: State, paymentId: string, refundId: string): void {
  carryOutDue(self, paymentId, (payment) =>
    isSettled(payment) ? self.handlers?.endRefund(payment, refundId) : undefined,
  );
}

/** An event that waits counts: anybody may let many wait for a day. */
function announceAt(self: State, event: PaymentEvent, dueAtMs: number): void {
  const { waiting } = self;
  if (waiting.isExceeded()) {
    throw new PaymentError({ kind: 'too-many-bytes-pending' });
  }
  const bytes = bytesOfWebhook(event);
  waiting.count(bytes);
  doAt(self, dueAtMs, event.sessionId, () => {
    waiting.count(-bytes);
    announce(self, event);
  });
}

/** While draining at once: nobody else would do it. */
function doAt(self: State, dueAtMs: number, sessionId: string | undefined, run: () => void): void {
  if (self.horizonMs === Infinity) {
    self.later.add(run, dueAtMs, sessionId);
  } else {
    run();
  }
}

/** For a payment whose time has come, and which nobody waits for. */
function settleDue(self: State, paymentId: string): void {
  carryOutDue(self, paymentId, (payment) => settlementOf(self, payment));
  tellIfIdle(self);
}

/** What nobody waits for: a failure is told. */
function carryOutDue(self: State, paymentId: string, decide: Decide): void {
  try {
    const payment = self.payments.get(paymentId);
    const change = payment && decide(payment);
    if (payment !== undefined && change !== undefined) {
      carryOut(self, payment, change);
    }
  } catch (error) {
    self.handlers?.failed(paymentId, error);
  }
}

function removeDue({ due }: State, { id, dueAtMs, extras }: Payment): boolean {
  return due.remove(id, dueAtMs, extras?.sessionId);
}

function settlementOf(self: State, payment: Payment): Change | undefined {
  return isSettled(payment) ? undefined : self.handlers?.settle(payment);
}

/** Stores a change and announces its event; nothing can come between in one process. */
function carryOut(self: State, before: Payment, change: Change): void {
  const { payment, event, refund } = change;
  self.payments.set(payment.id, payment);
  if (isSettled(before)) {
    self.budget.usedBytes += bytesOfPayment(payment) - bytesOfPayment(before);
  } else {
    self.settled.push(payment);
  }
  self.handlers?.changed(change);
  if (refund !== undefined) {
    doAt(self, refund.dueAtMs, payment.extras?.sessionId, () => endRefund(self, payment.id, refund.id));
  }
  if (event !== undefined) {
    announce(self, event);
  }
}

function announce(self: State, event: PaymentEvent): void {
  const announced = self.handlers?.announce(event);
  if (announced !== undefined) {
    self.announcing += 1;
    announced
      .catch((error: unknown) => self.handlers?.failed(event.payment.id, error))
      .finally(() => {
        self.announcing -= 1;
        tellIfIdle(self);
      });
  }
}

async function drain(self: State, withinMs: number): Promise<void> {
  const { machine, due } = self;
  const deadline = machine.monotonic() + withinMs;
  self.horizonMs = self.clock.now() + withinMs;
  await eachInSlices(self.later.takeAfter(-Infinity), (run) => run());
  await settlePaced(due.takeAfter(self.horizonMs), {
    machine,
    deadline,
    originOf(paymentId) {
      const url = self.payments.get(paymentId)?.webhookUrl;
      return url === undefined ? undefined : originOf(url);
    },
    hasRoom: (origin) => self.handlers?.hasRoom(origin) ?? true,
    toCome: () => due.size(),
    settle: (paymentId) => settleDue(self, paymentId),
  });
  if (!isIdle(self)) {
    const leftMs = Math.max(0, deadline - machine.monotonic());
    await within(machine, leftMs, new Promise<void>((resolve) => (self.onIdle = resolve)));
  }
  // The simulation's clock may stand still, or lag.
  await eachInSlices(due.takeAfter(-Infinity), (paymentId) => settleDue(self, paymentId));
}

function isIdle(self: State): boolean {
  return self.announcing === 0 && self.due.size() === 0;
}

function tellIfIdle(self: State): void {
  if (isIdle(self)) {
    self.onIdle?.();
  }
}
