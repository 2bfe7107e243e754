import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { Code, CodeSchema } from '../../../gen/google/rpc/code_pb.js';
import { PaymentStatusSchema, SimulatedChannel } from '../../../gen/payment/v1/payment_pb.js';
import {
  type CallEntry,
  type Delivery,
  DeliveryStatus,
  type JournalEntry,
  type TransitionEntry,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { formatAmount } from '../../base/amount-text.ts';
import type { Look } from '../../base/paint.ts';
import { formatSpan, formatTold, shortId, type Told } from '../../base/told-line.ts';
import { statusLooks } from '../../observability/pretty-lines.ts';
import { paint } from './output.ts';

/* What happens to payments, as lines for people. */

type Saying = Omit<Told, 'atMs' | 'subject'>;

/** The line of an entry. */
export function formatEntry(entry: JournalEntry, withSession = false): string {
  const { what, time, paymentIntentId, sessionId } = entry;
  const atMs = time === undefined ? 0 : timestampMs(time);
  const saying =
    what.case === 'call'
      ? sayCall(what.value)
      : what.case === 'transition'
        ? sayTransition(what.value)
        : what.case === 'delivery'
          ? sayDelivery(what.value, atMs)
          : { what: 'something that this version does not know', details: [] };
  const session = withSession && sessionId !== '' ? `(session ${sessionId})` : undefined;
  return formatTold(paint, {
    ...saying,
    atMs,
    subject: paymentIntentId,
    details: [...saying.details, session],
  });
}

/** `COMPLETED` of `PAYMENT_STATUS_COMPLETED`. */
export function statusName(status: number): string {
  return (
    PaymentStatusSchema.values.find(({ number }) => number === status)?.name.replace('PAYMENT_STATUS_', '') ??
    String(status)
  );
}

function sayCall({ method, code, message, fault, ruleIds, duration }: CallEntry): Saying {
  const codeName = CodeSchema.value[code]?.name ?? String(code);
  return {
    what: method,
    look: code === Code.OK ? 'dim' : 'yellow',
    details: [
      fault === '' ? codeName : `${codeName} (simulated)`,
      message,
      ruleIds.length === 0 ? undefined : `by rule ${ruleIds.join(', ')}`,
      duration === undefined
        ? undefined
        : formatSpan(Number(duration.seconds) * 1_000 + duration.nanos / 1e6),
    ],
  };
}

function sayTransition({ payment, dueAt, refundId, reason }: TransitionEntry): Saying {
  const status = statusName(payment?.status ?? 0);
  const amount = payment?.amount;
  const isPending = status === 'PENDING';
  return {
    what: refundId === '' ? status : `${status}, refund`,
    look: statusLooks[status],
    details: [
      isPending && amount !== undefined ? formatAmount(amount.amount, amount.currency) : undefined,
      isPending ? payment?.reservationId : undefined,
      isPending ? dueText(payment?.createdAt, dueAt) : undefined,
      payment?.failureCode,
      isPending || refundId !== '' ? undefined : payment?.transactionId,
      refundedText(payment?.refundedAmount),
      payment?.ruleId === undefined || payment.ruleId === ''
        ? undefined
        : `by rule ${payment.ruleId.replaceAll(',', ', ')}`,
      reason,
    ],
  };
}

function dueText(createdAt: Timestamp | undefined, dueAt: Timestamp | undefined): string {
  return createdAt === undefined || dueAt === undefined
    ? 'held'
    : `settles in ${formatSpan(timestampMs(dueAt) - timestampMs(createdAt))}`;
}

function refundedText(refunded: { amount: bigint; currency: string } | undefined): string | undefined {
  return refunded === undefined
    ? undefined
    : `${formatAmount(refunded.amount, refunded.currency)} given back`;
}

const deliveryLooks: Readonly<Record<number, Look>> = {
  [DeliveryStatus.DELIVERED]: 'green',
  [DeliveryStatus.GIVEN_UP]: 'red',
  [DeliveryStatus.WAITING]: 'yellow',
};

function sayDelivery(delivery: Delivery, atMs: number): Saying {
  const { status, url, faults, error, nextAttemptAt, attempts } = delivery;
  const attempt = attempts.at(-1);
  const isOver = status !== DeliveryStatus.WAITING;
  const why = nextAttemptAt === undefined ? attempt?.error || error : '';
  return {
    what: `${channelName(delivery)} ${deliveryWord(delivery)}`,
    look: attempt === undefined && !isOver && nextAttemptAt === undefined ? 'dim' : deliveryLooks[status],
    details: [
      shortId(delivery.eventId),
      url,
      faults.length === 0 ? undefined : `simulated: ${faults.join(', ')}`,
      isOver && attempt !== undefined && attempt.number > 1 ? `attempt ${attempt.number}` : undefined,
      why.replace(/: $/, ''),
      nextAttemptAt === undefined ? undefined : `again in ${formatSpan(timestampMs(nextAttemptAt) - atMs)}`,
    ],
  };
}

function channelName({ channel }: Delivery): string {
  return channel === SimulatedChannel.WEBHOOK ? 'webhook' : 'event';
}

function deliveryWord({ status, attempts, nextAttemptAt }: Delivery): string {
  const { number, statusCode: code } = attempts.at(-1) ?? { number: 0, statusCode: 0 };
  switch (status) {
    case DeliveryStatus.DELIVERED:
      return code === 0 ? 'delivered' : String(code);
    case DeliveryStatus.GIVEN_UP:
      return 'given up';
    case DeliveryStatus.WAITING:
      return nextAttemptAt !== undefined ? 'waits' : number === 0 ? 'handed over' : `attempt ${number}`;
    case DeliveryStatus.SIMULATED:
      return 'simulated';
    case DeliveryStatus.UNSPECIFIED:
      return '';
  }
}
