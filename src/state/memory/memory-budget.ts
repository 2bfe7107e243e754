import type { CallTrace } from '../../base/call-trace.ts';
import type { Observer } from '../../base/observer.ts';
import type { DeliveryReport } from '../../delivery/observer.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import { type DeliveryBehavior, isSettled, type Payment, type PaymentExtras } from '../../payment/payment.ts';

/**
 * How many bytes of heap payments may take, with what belongs to them, and do take. An estimate: V8 does not
 * tell what an object takes. Measured on Node 24 by `test/faults/small-heap.faults.ts`.
 */
export interface MemoryBudget {
  readonly maxBytes: number;
  usedBytes: number;
}

/** For who has no bounds in bytes. */
export function unlimitedBudget(): MemoryBudget {
  return { maxBytes: Infinity, usedBytes: 0 };
}

/** A stored payment without its texts, in its map and in the schedule or among the settled. */
const recordBytes = 560;
/** Its trace, where it has one, without the texts. */
const traceBytes = 120;
/** An event on its way to a webhook, in a queue or under way, without what its payment takes. */
const deliveryBytes = 900;
/** Kept free for the webhook of a payment that is pending: many may settle at once. */
const webhookRoomBytes = 400;
/** What few payments have, without their texts. */
const extrasBytes = 200;
/** A text of them, without its characters. */
const textBytes = 24;
/** A refund, and the id of an event. */
const refundBytes = 200;
const eventIdBytes = 64;
/** A character may take two bytes. */
const bytesPerCharacter = 2;

/** Idempotency keys, the notes of webhook attempts, and events that wait take at most this share of the budget each. */
const shareOfOthers = 0.25;

/** The part of the budget that keys, notes of attempts, or events that wait may take. */
export interface BudgetShare {
  /** Counts bytes that are taken, or given back when below 0; in the budget as well. */
  count(bytes: number): void;
  /** Whether more are taken than may be. */
  isExceeded(): boolean;
}

/** See `BudgetShare`. */
export function createBudgetShare(budget: MemoryBudget): BudgetShare {
  const maxBytes = budget.maxBytes * shareOfOthers;
  let usedBytes = 0;
  return {
    count(bytes) {
      usedBytes += bytes;
      budget.usedBytes += bytes;
    },
    isExceeded: () => usedBytes > maxBytes,
  };
}

/** What a payment takes, in bytes: the same before and after its settlement, and with room for its webhook. */
export function bytesOfPayment(payment: Payment): number {
  const { reservationId, userId, webhookUrl, trace, extras } = payment;
  return (
    recordBytes +
    bytesOfText(reservationId) +
    bytesOfText(userId) +
    bytesOfTrace(trace) +
    (extras === undefined ? 0 : bytesOfExtras(extras)) +
    bytesOfAftermath(payment) +
    // Addresses are ASCII, which takes a byte.
    (webhookUrl === undefined ? 0 : webhookUrl.length + webhookRoomBytes)
  );
}

function bytesOfExtras({ metadata, delivery, sessionId = '', ruleId = '' }: PaymentExtras): number {
  const ownBytes =
    extrasBytes +
    bytesOfText(sessionId) +
    bytesOfText(ruleId) +
    (delivery === undefined ? 0 : bytesOfCopies(delivery));
  if (metadata === undefined) {
    return ownBytes;
  }
  const { tags, ...texts } = metadata;
  const all = [...Object.values(texts), ...Object.entries(tags).flat()];
  return ownBytes + all.reduce((sum, text) => sum + textBytes + bytesOfText(text), 0);
}

/** Room for what goes out beside the usual, all at once. */
function bytesOfCopies({ copies, conflictingStatus }: DeliveryBehavior): number {
  return (copies - 1 + Number(conflictingStatus !== undefined)) * (recordBytes + deliveryBytes);
}

function bytesOfAftermath(payment: Payment): number {
  const aftermath = isSettled(payment) ? payment.aftermath : undefined;
  return aftermath === undefined
    ? 0
    : extrasBytes + aftermath.refunds.length * refundBytes + aftermath.eventIds.length * eventIdBytes;
}

/** What a text takes, in bytes. */
export function bytesOfText(text: string): number {
  return text.length * bytesPerCharacter;
}

function bytesOfTrace(trace: CallTrace | undefined): number {
  return trace === undefined
    ? 0
    : traceBytes +
        (trace.traceparent?.length ?? 0) +
        (trace.tracestate?.length ?? 0) +
        (trace.requestId?.length ?? 0);
}

/**
 * Counts webhooks from their event to their end. Whether their payments are still stored or have left, they
 * hold them in memory.
 */
export function countWebhookBytes(budget: MemoryBudget): Observer<DeliveryReport> {
  return (report) => {
    if (report.kind === 'accepted') {
      budget.usedBytes += report.event.destination === undefined ? 0 : bytesOfWebhook(report.event);
    } else if (report.kind === 'forged') {
      budget.usedBytes -= bytesOfWebhook(report.delivery.event);
    } else if (report.kind === 'delivered') {
      budget.usedBytes -= report.channel === 'webhook' ? bytesOfWebhook(report.delivery.event) : 0;
    } else if (report.kind === 'given-up') {
      budget.usedBytes -=
        report.letter.channel === 'webhook' ? bytesOfWebhook(report.letter.delivery.event) : 0;
    }
  };
}

/** What an event takes that waits or is on its way, in bytes. */
export function bytesOfWebhook({ destination, payment }: PaymentEvent): number {
  return (
    recordBytes +
    deliveryBytes +
    bytesOfText(payment.reservationId) +
    bytesOfText(payment.userId) +
    bytesOfTrace(payment.trace) +
    (destination?.length ?? 0)
  );
}
