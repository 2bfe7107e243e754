import type { CallTrace } from '../../base/call-trace.ts';
import { PaymentError } from '../../payment/errors.ts';
import { applySettlement } from '../../payment/lifecycle.ts';
import type {
  Aftermath,
  Payment,
  PaymentExtras,
  PendingPayment,
  SettlementStatus,
  Refund,
  Scenario,
  SettledPayment,
  SettledStatus,
} from '../../payment/payment.ts';

/*
 * A payment in Redis is a head and its terms, with a line feed in between. The head is `P` for a pending one and `S`
 * for a settled one, the number of the form, the bucket by which its first event is or was announced, and of a settled
 * one the outcome, a JSON array. The terms are a JSON array. All that may change once it has settled is in the head,
 * and JSON text has no line feed: a script can put a new head in the place of an old one without reading the terms.
 */

type Terms = readonly [
  reservationId: string,
  userId: string,
  amount: number,
  currency: string,
  scenario: Scenario,
  plannedOutcome: SettlementStatus,
  createdAtMs: number,
  dueAtMs: number,
  webhookUrl: string | null,
  traceparent: string | null,
  tracestate: string | null,
  requestId: string | null,
  /** Absent without any. */
  extras?: PaymentExtras,
];

type Outcome = readonly [
  status: SettledStatus,
  settledAtMs: number,
  transactionId: string,
  eventId: string,
  failureCode: string | null,
  /** Absent without any. */
  aftermath?: AftermathRecord,
];

type AftermathRecord = readonly [
  updatedAtMs: number,
  eventIds: readonly string[],
  refunds: readonly RefundRecord[],
];

type RefundRecord = readonly [
  id: string,
  amount: number,
  status: Refund['status'],
  requestedAtMs: number,
  failureCode: string | null,
];

/** One character. Forms 1 and 2, of release 0.1 and before buckets, are under other keys. */
const form = '3';

/** The record of a pending payment. The id is not in it: it is in the key. */
export function encodePending(payment: PendingPayment, bucket: string): string {
  const { money, trace } = payment;
  const terms: Terms = [
    payment.reservationId,
    payment.userId,
    money.amount,
    money.currency,
    payment.scenario,
    payment.plannedOutcome,
    payment.createdAtMs,
    payment.dueAtMs,
    payment.webhookUrl ?? null,
    trace?.traceparent ?? null,
    trace?.tracestate ?? null,
    trace?.requestId ?? null,
    ...(payment.extras === undefined ? ([] as const) : ([payment.extras] as const)),
  ];
  return `P${form}${bucket}\n${JSON.stringify(terms)}`;
}

/** The head of the record of a settled payment. */
export function encodeHead(payment: SettledPayment, bucket: string): string {
  const { aftermath, status } = payment;
  const outcome: Outcome = [
    status,
    payment.settledAtMs,
    payment.transactionId,
    payment.eventId,
    payment.failureCode ?? null,
    ...(aftermath === undefined ? ([] as const) : ([encodeAftermath(aftermath)] as const)),
  ];
  return `S${form}${bucket}${JSON.stringify(outcome)}\n`;
}

/** The head of a record that `decodePayment` has read. */
export function headOf(record: string): string {
  return record.slice(0, record.indexOf('\n') + 1);
}

/** The bucket in a head, or at the start of a record. */
export function bucketOf(record: string): string {
  return /^[a-z\d]*/.exec(record.slice(2))?.[0] ?? '';
}

/** @throws PaymentError `unknown-form` when the record is in a form that this release does not know. */
export function decodePayment(id: string, record: string): Payment {
  if (record[1] !== form) {
    throw new PaymentError({ kind: 'unknown-form', paymentId: id });
  }
  const head = headOf(record);
  const pending = decodeTerms(id, record.slice(head.length));
  if (record.startsWith('P')) {
    return pending;
  }
  const outcome: Outcome = JSON.parse(head.slice(2 + bucketOf(head).length));
  const [status, settledAtMs, transactionId, eventId, failureCode, aftermath] = outcome;
  const settled = applySettlement(pending, {
    status: status === 'REFUNDED' ? 'COMPLETED' : status,
    settledAtMs,
    transactionId,
    eventId,
    failureCode: failureCode ?? undefined,
  });
  return aftermath === undefined ? settled : { ...settled, status, aftermath: decodeAftermath(aftermath) };
}

function encodeAftermath({ updatedAtMs, eventIds, refunds }: Aftermath): AftermathRecord {
  const records = refunds.map(
    ({ id, amount, status, requestedAtMs, failureCode }) =>
      [id, amount, status, requestedAtMs, failureCode ?? null] as const,
  );
  return [updatedAtMs, eventIds, records];
}

function decodeAftermath([updatedAtMs, eventIds, records]: AftermathRecord): Aftermath {
  const refunds = records.map(([id, amount, status, requestedAtMs, failureCode]) => {
    return { id, amount, status, requestedAtMs, failureCode: failureCode ?? undefined };
  });
  return { updatedAtMs, eventIds, refunds };
}

function decodeTerms(id: string, json: string): PendingPayment {
  const terms: Terms = JSON.parse(json);
  return {
    id,
    reservationId: terms[0],
    userId: terms[1],
    money: { amount: terms[2], currency: terms[3] },
    scenario: terms[4],
    plannedOutcome: terms[5],
    createdAtMs: terms[6],
    dueAtMs: terms[7],
    webhookUrl: terms[8] ?? undefined,
    trace: decodeTrace(terms),
    extras: terms[12],
    status: 'PENDING',
  };
}

function decodeTrace(terms: Terms): CallTrace | undefined {
  const [traceparent, tracestate, requestId] = [terms[9], terms[10], terms[11]];
  return traceparent === null && requestId === null
    ? undefined
    : {
        traceparent: traceparent ?? undefined,
        tracestate: tracestate ?? undefined,
        requestId: requestId ?? undefined,
      };
}
