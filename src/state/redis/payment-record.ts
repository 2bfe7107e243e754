import {
  applySettlement,
  type FinalStatus,
  type Payment,
  type PendingPayment,
  type Scenario,
  type Settlement,
} from '../../payment/payment.ts';
import type { CallTrace } from '../../base/call-trace.ts';

/*
 * A payment in Redis: `P`, the version of the form, and the terms as a JSON array, as long as it is
 * pending; `S`, the version, the settlement, a line feed and the terms once it is settled. JSON text has
 * no line feed, so a script can put the settlement in without reading the terms.
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
];

const version = '1';

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
  return `P${version}${JSON.stringify(terms)}`;
}

/** What turns the record of a pending payment into that of a settled one: all before the terms. */
export function encodeSettlement(settlement: Settlement): string {
  const outcome: Outcome = [
    settlement.status,
    settlement.settledAtMs,
    settlement.transactionId,
    settlement.eventId,
    settlement.failureCode ?? null,
  ];
  return `S${version}${JSON.stringify(outcome)}\n`;
}

/** @throws Error when the record is in a form that this release does not know. */
export function decodePayment(id: string, record: string): Payment {
  if (record[1] !== version) {
    throw new Error(`payment ${id} was stored by another release, in a form that this one does not know`);
  }
  if (record.startsWith('P')) {
    return decodeTerms(id, record.slice(2));
  }
  const end = record.indexOf('\n');
  const pending = decodeTerms(id, record.slice(end + 1));
  const outcome: Outcome = JSON.parse(record.slice(2, end));
  const [status, settledAtMs, transactionId, eventId, failureCode] = outcome;
  return applySettlement(pending, {
    status,
    settledAtMs,
    transactionId,
    eventId,
    failureCode: failureCode ?? undefined,
  });
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
