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
 * A payment in Redis is a head and its terms. The head of a pending one is `P` and the number of the form;
 * that of a settled one is `S`, the number of the form, the outcome as a JSON array, and a line feed. The
 * terms are a JSON array. All that may change is in the head, and JSON text has no line feed: a script can
 * put a new head in the place of an old one without reading the terms. Form 2 has what release 0.1 does not
 * know; whatever can be is in form 1, so that replicas of both releases can share a Redis.
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
  /** In form 2; absent without any. */
  extras?: PaymentExtras,
];

type Outcome = readonly [
  status: SettledStatus,
  settledAtMs: number,
  transactionId: string,
  eventId: string,
  failureCode: string | null,
  /** In form 2; absent without any. */
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

/** One character. */
type Form = '1' | '2';

/** `P` and the form. */
const pendingHeadLength = 2;

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
    ...(payment.extras === undefined ? ([] as const) : ([payment.extras] as const)),
  ];
  const form: Form = payment.extras === undefined && isPlainStatus(payment.plannedOutcome) ? '1' : '2';
  return `P${form}${JSON.stringify(terms)}`;
}

/** The head of the record of a settled payment. */
export function encodeHead(payment: SettledPayment): string {
  const { aftermath, extras, status, plannedOutcome } = payment;
  const outcome: Outcome = [
    status,
    payment.settledAtMs,
    payment.transactionId,
    payment.eventId,
    payment.failureCode ?? null,
    ...(aftermath === undefined ? ([] as const) : ([encodeAftermath(aftermath)] as const)),
  ];
  const isPlain =
    aftermath === undefined && extras === undefined && isPlainStatus(status) && isPlainStatus(plannedOutcome);
  const form: Form = isPlain ? '1' : '2';
  return `S${form}${JSON.stringify(outcome)}\n`;
}

/** One that release 0.1 knows. */
function isPlainStatus(status: SettledStatus): boolean {
  return status === 'COMPLETED' || status === 'FAILED';
}

/** The head of a record that `decodePayment` has read. */
export function headOf(record: string): string {
  return record.startsWith('P')
    ? record.slice(0, pendingHeadLength)
    : record.slice(0, record.indexOf('\n') + 1);
}

/** @throws PaymentError `unknown-form` when the record is in a form that this release does not know. */
export function decodePayment(id: string, record: string): Payment {
  if (!/^[PS][12]/.test(record)) {
    throw new PaymentError({ kind: 'unknown-form', paymentId: id });
  }
  const head = headOf(record);
  const pending = decodeTerms(id, record.slice(head.length));
  if (head.length === pendingHeadLength) {
    return pending;
  }
  const outcome: Outcome = JSON.parse(head.slice(2));
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
