import type { CallTrace } from '../../base/call-trace.ts';
import type { Delivery, WebhookDelivery } from '../../delivery/delivery.ts';
import type { DeliveryBehavior } from '../../payment/payment.ts';
import type { EventDelivery, EventRefund, PaymentEvent, PaymentEventType } from '../../payment/event.ts';
import type { SettledStatus } from '../../payment/payment.ts';

/*
 * The data of jobs: JSON objects with the number of their form. Release 0.1 wrote none (a bare number for a
 * settlement); what it left is read here, and it can read form 2. Form 3 has what it does not know.
 */

/** A job in a form that this release does not know; another one does it. */
export class UnknownJobFormError extends Error {
  constructor(form: unknown) {
    super(`the job has form ${JSON.stringify(form)}, which this release does not know`);
    this.name = 'UnknownJobFormError';
  }
}

/** For a job that finds nothing to do as yet; it comes back without a line in the log. */
export class NothingToDoError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NothingToDoError';
  }
}

/** One that release 0.1 can read. */
const plainForm = 2;
const form = 3;

/** An event, flat. What 0.1 did not write is optional. */
interface EventRecord {
  readonly eventId: string;
  readonly paymentId: string;
  readonly reservationId: string;
  readonly userId: string;
  readonly status: SettledStatus;
  readonly amount: number;
  readonly currency: string;
  readonly trace?: CallTrace;
  readonly type?: PaymentEventType;
  readonly sequence?: number;
  readonly destination?: string;
  readonly transactionId?: string;
  readonly failureCode?: string;
  readonly refund?: EventRefund;
  readonly sessionId?: string;
  readonly delivery?: DeliveryRecord;
}

type DeliveryRecord =
  | {
      readonly kind: 'planned';
      readonly behavior: DeliveryBehavior;
      readonly held?: { readonly event: EventRecord; readonly occurredAtMs: number };
    }
  | Extract<EventDelivery, { kind: 'arranged' }>;

/** What a job holds; which of it depends on the queue. */
interface JobRecord {
  /** Absent in jobs of 0.1. */
  readonly form?: number;
  readonly event: EventRecord;
  /** For an announcement that somebody asked for, whatever becomes of the payment. */
  readonly isForced?: boolean;
  /** When the event occurred; 0.1 has it under the second name for webhooks. */
  readonly settledAtMs?: number;
  readonly createdAtMs?: number;
  readonly attempts?: number;
  readonly waits?: number;
  readonly askedMs?: number;
  readonly url?: string;
  readonly firstAttemptAtMs?: number;
  readonly lastAttemptAtMs?: number;
  readonly lastError?: string;
}

/** The data of a job that settles a payment; the payment is in the job's id. */
export const settlementData = JSON.stringify({ form: plainForm });

/** @throws UnknownJobFormError */
export function checkSettlement(data: unknown): void {
  if (typeof data !== 'number') {
    assertForm(data);
  }
}

/** An event that is to be announced. */
export interface Announcement {
  readonly event: PaymentEvent;
  /** Whatever becomes of its payment; otherwise it must be one of the payment's events. */
  readonly isForced: boolean;
}

/** The data of a job that announces an event. */
export function encodeAnnouncement({ event, isForced }: Announcement): string {
  return JSON.stringify({
    form: isForced ? form : formOf(event),
    event: toEventRecord(event),
    settledAtMs: event.occurredAtMs,
    ...(isForced && { isForced }),
  });
}

/** @throws UnknownJobFormError */
export function decodeAnnouncement(data: unknown): Announcement {
  assertForm(data);
  return { event: toEvent(data.event, data.settledAtMs ?? 0), isForced: data.isForced ?? false };
}

/** A refund that is to end. */
export interface RefundJob {
  readonly paymentId: string;
  readonly refundId: string;
}

/** The data of a job that ends a refund. */
export function encodeRefund(job: RefundJob): string {
  return JSON.stringify({ form, ...job });
}

/** @throws UnknownJobFormError */
export function decodeRefund(data: unknown): RefundJob {
  const fields = new Map<string, unknown>(Object.entries(data ?? {}));
  if (fields.get('form') !== form) {
    throw new UnknownJobFormError(fields.get('form'));
  }
  return { paymentId: String(fields.get('paymentId')), refundId: String(fields.get('refundId')) };
}

/** The data of a job that delivers a webhook or an event again. */
export function encodeDelivery(delivery: Delivery & { readonly url?: string }): string {
  const { event, attempts, waits, askedMs, url, firstAttemptAtMs, lastAttemptAtMs, lastError } = delivery;
  // JSON leaves out what is undefined.
  return JSON.stringify({
    form: formOf(event),
    event: toEventRecord(event),
    attempts,
    waits,
    askedMs,
    createdAtMs: event.occurredAtMs,
    settledAtMs: event.occurredAtMs,
    url,
    firstAttemptAtMs,
    lastAttemptAtMs,
    lastError,
  });
}

/** @throws UnknownJobFormError */
export function decodeDelivery(data: unknown): Delivery {
  assertForm(data);
  return toDelivery(data);
}

/** @throws UnknownJobFormError */
export function decodeWebhookDelivery(data: unknown): WebhookDelivery {
  assertForm(data);
  const delivery = toDelivery(data);
  const url = data.url ?? '';
  return { ...delivery, event: { ...delivery.event, destination: url }, url };
}

/** Whoever writes a form writes all that belongs to it. */
function assertForm(data: unknown): asserts data is JobRecord {
  const isObject = typeof data === 'object' && data !== null;
  const found: unknown = isObject ? ('form' in data ? data.form : 1) : data;
  if (!isObject || (found !== 1 && found !== plainForm && found !== form)) {
    throw new UnknownJobFormError(found);
  }
}

function toDelivery(record: JobRecord): Delivery {
  const { attempts = 0, waits = 0, askedMs = 0, firstAttemptAtMs, lastAttemptAtMs, lastError } = record;
  const occurredAtMs = record.settledAtMs ?? record.createdAtMs ?? 0;
  const event = toEvent(record.event, occurredAtMs);
  return { event, attempts, waits, askedMs, firstAttemptAtMs, lastAttemptAtMs, lastError };
}

function formOf({ payment, refund, sessionId, delivery }: PaymentEvent): number {
  const isPlain =
    refund === undefined &&
    sessionId === undefined &&
    delivery === undefined &&
    (payment.status === 'COMPLETED' || payment.status === 'FAILED');
  return isPlain ? plainForm : form;
}

function toEventRecord({
  id,
  type,
  sequence,
  destination,
  payment,
  refund,
  sessionId,
  delivery,
}: PaymentEvent): EventRecord {
  return {
    eventId: id,
    paymentId: payment.id,
    reservationId: payment.reservationId,
    userId: payment.userId,
    status: payment.status,
    amount: payment.money.amount,
    currency: payment.money.currency,
    ...(payment.trace !== undefined && { trace: payment.trace }),
    type,
    sequence,
    ...(destination !== undefined && { destination }),
    ...(payment.transactionId !== '' && { transactionId: payment.transactionId }),
    ...(payment.failureCode !== undefined && { failureCode: payment.failureCode }),
    ...(refund !== undefined && { refund }),
    ...(sessionId !== undefined && { sessionId }),
    ...(delivery !== undefined && { delivery: toDeliveryRecord(delivery) }),
  };
}

function toEvent(record: EventRecord, occurredAtMs: number): PaymentEvent {
  return {
    id: record.eventId,
    type: record.type ?? 'payment.status_updated',
    sequence: record.sequence ?? 1,
    occurredAtMs,
    destination: record.destination,
    payment: {
      id: record.paymentId,
      reservationId: record.reservationId,
      userId: record.userId,
      status: record.status,
      money: { amount: record.amount, currency: record.currency },
      trace: toTrace(record.trace),
      transactionId: record.transactionId ?? '',
      failureCode: record.failureCode,
    },
    sessionId: record.sessionId,
    delivery: record.delivery && toEventDelivery(record.delivery),
    refund: record.refund && { ...record.refund, failureCode: record.refund.failureCode },
  };
}

function toDeliveryRecord(delivery: EventDelivery): DeliveryRecord {
  if (delivery.kind === 'arranged') {
    return delivery;
  }
  const { kind, behavior, held } = delivery;
  return {
    kind,
    behavior,
    ...(held !== undefined && { held: { event: toEventRecord(held), occurredAtMs: held.occurredAtMs } }),
  };
}

function toEventDelivery(record: DeliveryRecord): EventDelivery {
  return record.kind === 'arranged'
    ? { ...record, signature: record.signature }
    : {
        ...record,
        behavior: withAll(record.behavior),
        held: record.held && toEvent(record.held.event, record.held.occurredAtMs),
      };
}

function withAll(behavior: DeliveryBehavior): DeliveryBehavior {
  const { channel, signature, conflictingStatus } = behavior;
  return { ...behavior, channel, signature, conflictingStatus };
}

/** JSON has no undefined, which the rest of the service expects. */
function toTrace(trace: Partial<CallTrace> | undefined): CallTrace | undefined {
  return (
    trace && {
      traceparent: trace.traceparent,
      tracestate: trace.tracestate,
      requestId: trace.requestId,
    }
  );
}
