import type { PaymentEvent } from '../../payment/event.ts';
import type { SimulatedChannel } from '../../payment/payment.ts';
import { isInScope } from '../session.ts';
import { bytesOfAttempt, bytesOfAttempts } from './entry-bytes.ts';
import type { Attempt, DeliveryEntry, DeliveryStatus } from './entry.ts';

/** An event on its way by one channel, with all that is remembered of it. */
export interface LoggedDelivery {
  readonly event: PaymentEvent;
  readonly channel: SimulatedChannel;
  status: DeliveryStatus;
  /** Numbered in the order in which they ended. */
  readonly attempts: (Attempt & { readonly number: number })[];
  nextAttemptAtMs: number | undefined;
  error: string | undefined;
  faults: readonly string[];
  /** When it came to its status, by the machine's clock. */
  changedAtMs: number;
}

/** Which deliveries. */
export interface DeliveryFilter {
  /** Undefined: of all payments. */
  readonly paymentId?: string;
  /** Undefined: of all sessions. */
  readonly sessionId?: string | undefined;
  readonly status?: DeliveryStatus;
}

/** Where a page begins: behind this delivery. */
export interface DeliveryPosition {
  /** The number of the payment, in the order of their first deliveries. */
  readonly payment: number;
  /** The number of the delivery within. */
  readonly delivery: number;
}

/** How much a page has at most; one delivery alone may take more bytes. */
export interface PageLimit {
  readonly deliveries: number;
  readonly bytes: number;
}

/** All of them. */
export const noPageLimit: PageLimit = { deliveries: Infinity, bytes: Infinity };

/** Some deliveries. */
export interface DeliveryPage {
  readonly deliveries: readonly LoggedDelivery[];
  /** Undefined on the last page. */
  readonly next: DeliveryPosition | undefined;
}

/** How deliveries stand, with their attempts. */
export interface DeliveryLog {
  note(entry: DeliveryEntry): void;
  /** The payment that was told of last comes first; of one payment in the order of events. */
  list(filter: DeliveryFilter, from: DeliveryPosition | undefined, limit: PageLimit): DeliveryPage;
  /** All that fit, as `list`. */
  find(fits: (delivery: LoggedDelivery) => boolean): readonly LoggedDelivery[];
  /** Forgets those of a session; undefined: all. */
  forget(sessionId: string | undefined): void;
  /** What all take in memory, in bytes. */
  bytes(): number;
}

/** The deliveries of one payment. */
interface PaymentDeliveries {
  readonly number: number;
  readonly deliveries: LoggedDelivery[];
  bytes: number;
}

interface State {
  readonly maxBytes: number;
  /** By payment, in the order of their first deliveries. */
  readonly payments: Map<string, PaymentDeliveries>;
  nextNumber: number;
  bytes: number;
}

const paymentBytes = 180;
/** A delivery with its event, without attempts. */
const deliveryBytes = 600;

/** A log of at most `maxBytes`; beyond it the payments leave that were told of first. */
export function createDeliveryLog(maxBytes: number): DeliveryLog {
  const self: State = { maxBytes, payments: new Map(), nextNumber: 0, bytes: 0 };
  return {
    note: (entry) => note(self, entry),
    list: (filter, from, limit) => list(self, filter, from, limit),
    find: (fits) => newestFirst(self).flatMap(({ deliveries }) => deliveries.filter(fits)),
    forget: (sessionId) => forget(self, sessionId),
    bytes: () => self.bytes,
  };
}

function note(self: State, entry: DeliveryEntry): void {
  const payment = self.payments.get(entry.paymentId) ?? addPayment(self, entry.paymentId);
  const delivery = findDelivery(payment, entry) ?? addDelivery(self, payment, entry);
  // What was taken once stays so, whatever becomes of a copy or of what is sent again.
  if (delivery.status !== 'DELIVERED') {
    delivery.status = entry.status;
    delivery.nextAttemptAtMs = entry.nextAttemptAtMs;
    delivery.error = entry.error;
    delivery.changedAtMs = entry.atMs;
  }
  if (entry.faults.length > 0) {
    delivery.faults = entry.faults;
  }
  if (entry.attempt !== undefined) {
    addAttempt(self, payment, delivery, entry.attempt);
  }
  while (self.bytes > self.maxBytes && self.payments.size > 1) {
    const [first = ''] = self.payments.keys();
    remove(self, first);
  }
}

/** Of one delivery: whoever sends it again and again sees the last ones. */
const maxAttempts = 200;

function addAttempt(
  self: State,
  payment: PaymentDeliveries,
  { attempts }: LoggedDelivery,
  attempt: Attempt,
): void {
  // What is sent again begins to count anew, and the first ones may be forgotten.
  const number = Math.max(attempt.number, (attempts.at(-1)?.number ?? 0) + 1);
  attempts.push(number === attempt.number ? attempt : { ...attempt, number });
  count(self, payment, bytesOfAttempt(attempt));
  const [first] = attempts;
  if (first !== undefined && (attempts.length > maxAttempts || payment.bytes > self.maxBytes)) {
    attempts.shift();
    count(self, payment, -bytesOfAttempt(first));
  }
}

function addPayment(self: State, paymentId: string): PaymentDeliveries {
  const payment: PaymentDeliveries = { number: self.nextNumber, deliveries: [], bytes: 0 };
  self.nextNumber += 1;
  self.payments.set(paymentId, payment);
  count(self, payment, paymentBytes);
  return payment;
}

function findDelivery({ deliveries }: PaymentDeliveries, { event, channel }: DeliveryEntry) {
  return deliveries.find((each) => each.channel === channel && each.event.id === event.id);
}

function addDelivery(self: State, payment: PaymentDeliveries, entry: DeliveryEntry): LoggedDelivery {
  const delivery: LoggedDelivery = {
    event: entry.event,
    channel: entry.channel,
    status: entry.status,
    attempts: [],
    nextAttemptAtMs: undefined,
    error: undefined,
    faults: [],
    changedAtMs: entry.atMs,
  };
  payment.deliveries.push(delivery);
  count(self, payment, deliveryBytes);
  return delivery;
}

function count(self: State, payment: PaymentDeliveries, bytes: number): void {
  payment.bytes += bytes;
  self.bytes += bytes;
}

function remove(self: State, paymentId: string): void {
  self.bytes -= self.payments.get(paymentId)?.bytes ?? 0;
  self.payments.delete(paymentId);
}

function newestFirst({ payments }: State): readonly PaymentDeliveries[] {
  return [...payments.values()].toReversed();
}

function list(
  self: State,
  filter: DeliveryFilter,
  from: DeliveryPosition | undefined,
  limit: PageLimit,
): DeliveryPage {
  const found: LoggedDelivery[] = [];
  let bytes = 0;
  let last: DeliveryPosition | undefined;
  for (const payment of paymentsOf(self, filter)) {
    if (from !== undefined && payment.number > from.payment) {
      continue;
    }
    for (const [index, delivery] of payment.deliveries.entries()) {
      const isBefore = from !== undefined && payment.number === from.payment && index <= from.delivery;
      if (isBefore || !isWanted(filter, delivery)) {
        continue;
      }
      const own = bytesOfAttempts(delivery);
      if (found.length === limit.deliveries || (bytes + own > limit.bytes && found.length > 0)) {
        return { deliveries: found, next: last };
      }
      bytes += own;
      found.push(delivery);
      last = { payment: payment.number, delivery: index };
    }
  }
  return { deliveries: found, next: undefined };
}

function paymentsOf(self: State, { paymentId }: DeliveryFilter): readonly PaymentDeliveries[] {
  if (paymentId === undefined) {
    return newestFirst(self);
  }
  const payment = self.payments.get(paymentId);
  return payment === undefined ? [] : [payment];
}

function isWanted({ sessionId, status }: DeliveryFilter, { event, status: own }: LoggedDelivery): boolean {
  return isInScope(event.sessionId, sessionId) && (status === undefined || own === status);
}

function forget(self: State, sessionId: string | undefined): void {
  for (const [paymentId, { deliveries }] of self.payments) {
    // A payment keeps its session for life.
    if (isInScope(deliveries[0]?.event.sessionId, sessionId)) {
      remove(self, paymentId);
    }
  }
}
