import type { CallTrace } from '../../base/call-trace.ts';
import { PaymentError } from '../../payment/errors.ts';
import { applySettlement } from '../../payment/lifecycle.ts';
import type {
  FinalStatus,
  Payment,
  PendingPayment,
  Scenario,
  SettledPayment,
} from '../../payment/payment.ts';

/*
 * A payment in Redis is a head and its terms. The head of a pending one is `P` and the number of the form;
 * that of a settled one is `S`, the number of the form, the outcome as a JSON array, and a line feed. The
 * terms are a JSON array. All that may change is in the head, and JSON text has no line feed: a script can
 * put a new head in the place of an old one without reading the terms.
 */

type Terms = readonly [
  reservationId: string,
  userId: string,
  amount: number,
  currency: string,
  scenario: Scenario,
  plannedOutcome: FinalStatus,
  createdAtMs: number,
  dueAtMs: number,
  webhookUrl: string | null,
  traceparent: string | null,
  tracestate: string | null,
  requestId: string | null,
];

type Outcome = readonly [
  status: FinalStatus,
  settledAtMs: number,
  transactionId: string,
  eventId: string,
  failureCode: string | null,
  /** Absent without any. */
  laterEventIds?: readonly string[],
];

/** The number of the form; one character. */
const form = '1';
const pendingHead = `P${form}`;

/** The record of a pending payment. The id is not in it: it is in the key. */
export function encodePending(payment: PendingPayment): string {
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
  ];
  return pendingHead + JSON.stringify(terms);
}

/** The head of the record of a settled payment. */
export function encodeHead(payment: SettledPayment): string {
  const outcome: Outcome = [
    payment.status,
    payment.settledAtMs,
    payment.transactionId,
    payment.eventId,
    payment.failureCode ?? null,
    ...(payment.laterEventIds === undefined ? ([] as const) : ([payment.laterEventIds] as const)),
  ];
  return `S${form}${JSON.stringify(outcome)}\n`;
}

/** The head of a record that `decodePayment` has read. */
export function headOf(record: string): string {
  return record.startsWith(pendingHead) ? pendingHead : record.slice(0, record.indexOf('\n') + 1);
}

/** @throws PaymentError `unknown-form` when the record is in a form that this release does not know. */
export function decodePayment(id: string, record: string): Payment {
  if (!/^[PS]/.test(record) || record[1] !== form) {
    throw new PaymentError({ kind: 'unknown-form', paymentId: id });
  }
  const head = headOf(record);
  const pending = decodeTerms(id, record.slice(head.length));
  if (head === pendingHead) {
    return pending;
  }
  const outcome: Outcome = JSON.parse(head.slice(2));
  const [status, settledAtMs, transactionId, eventId, failureCode, laterEventIds] = outcome;
  const settled = applySettlement(pending, {
    status,
    settledAtMs,
    transactionId,
    eventId,
    failureCode: failureCode ?? undefined,
  });
  return laterEventIds === undefined ? settled : { ...settled, laterEventIds };
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
