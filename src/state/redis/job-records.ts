import type { CallTrace } from '../../base/call-trace.ts';
import type { Delivery, WebhookDelivery } from '../../delivery/delivery.ts';
import type { PaymentEvent, PaymentEventType } from '../../payment/event.ts';
import type { FinalStatus } from '../../payment/payment.ts';

/*
 * The data of jobs: JSON objects with the number of their form. Release 0.1 wrote none (a bare number for a
 * settlement); what it left is read here, and it can read what is written here.
 */

/** A job in a form that this release does not know; another one does it. */
export class UnknownJobFormError extends Error {
  constructor(form: unknown) {
    super(`the job has form ${JSON.stringify(form)}, which this release does not know`);
    this.name = 'UnknownJobFormError';
  }
}

const form = 2;

interface JobRecord {
  /** Absent in jobs of 0.1. */
  readonly form?: number;
}

/** An event, flat. What 0.1 did not write is optional. */
interface EventRecord {
  readonly eventId: string;
  readonly paymentId: string;
  readonly reservationId: string;
  readonly userId: string;
  readonly status: FinalStatus;
  readonly amount: number;
  readonly currency: string;
  readonly trace?: CallTrace;
  readonly type?: PaymentEventType;
  readonly sequence?: number;
  readonly destination?: string;
}

interface AnnouncementRecord extends JobRecord {
  readonly event: EventRecord;
  readonly occurredAtMs: number;
}

interface DeliveryRecord extends JobRecord {
  readonly event: EventRecord;
  readonly attempts: number;
  readonly waits?: number;
  /** When the event occurred: 0.1 has it under the first name for webhooks, the second for EventBridge. */
  readonly createdAtMs?: number;
  readonly settledAtMs?: number;
  readonly url?: string;
  readonly firstAttemptAtMs?: number;
  readonly lastAttemptAtMs?: number;
  readonly lastError?: string;
}

/** The data of a job that settles a payment; the payment is in the job's id. */
export const settlementData = JSON.stringify({ form });

/** @throws UnknownJobFormError */
export function checkSettlement(data: unknown): void {
  if (typeof data !== 'number') {
    checkForm(data);
  }
}

/** The data of a job that announces a later event. */
export function encodeAnnouncement(event: PaymentEvent): string {
  const record: AnnouncementRecord = { form, event: toEventRecord(event), occurredAtMs: event.occurredAtMs };
  return JSON.stringify(record);
}

/** @throws UnknownJobFormError */
export function decodeAnnouncement(data: unknown): PaymentEvent {
  const { event, occurredAtMs } = checkForm<AnnouncementRecord>(data);
  return toEvent(event, occurredAtMs);
}

/** The data of a job that delivers a webhook or an event again. */
export function encodeDelivery(delivery: Delivery & { readonly url?: string }): string {
  const { event, attempts, waits, url, firstAttemptAtMs, lastAttemptAtMs, lastError } = delivery;
  // JSON leaves out what is undefined.
  return JSON.stringify({
    form,
    event: toEventRecord(event),
    attempts,
    waits,
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
  return toDelivery(checkForm<DeliveryRecord>(data));
}

/** @throws UnknownJobFormError */
export function decodeWebhookDelivery(data: unknown): WebhookDelivery {
  const record = checkForm<DeliveryRecord>(data);
  const delivery = toDelivery(record);
  const url = record.url ?? '';
  return { ...delivery, event: { ...delivery.event, destination: url }, url };
}

function checkForm<Record extends JobRecord>(data: unknown): Record {
  if (!isRecord<Record>(data)) {
    const found: unknown = typeof data === 'object' && data !== null && 'form' in data ? data.form : data;
    throw new UnknownJobFormError(found);
  }
  return data;
}

/** Whoever writes a form writes all that belongs to it. */
function isRecord<Record extends JobRecord>(data: unknown): data is Record {
  const found: unknown =
    typeof data === 'object' && data !== null ? ('form' in data ? data.form : 1) : undefined;
  return found === 1 || found === form;
}

function toDelivery(record: DeliveryRecord): Delivery {
  const { attempts, waits = 0, firstAttemptAtMs, lastAttemptAtMs, lastError } = record;
  const occurredAtMs = record.settledAtMs ?? record.createdAtMs ?? 0;
  const event = toEvent(record.event, occurredAtMs);
  return { event, attempts, waits, firstAttemptAtMs, lastAttemptAtMs, lastError };
}

function toEventRecord({ id, type, sequence, destination, payment }: PaymentEvent): EventRecord {
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
    },
  };
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
