import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { SimulatedChannel as ProtoChannel } from '../../../gen/payment/v1/payment_pb.js';
import {
  type DeliveryAttempt,
  DeliveryAttemptSchema,
  type DeliverySchema,
  DeliveryStatus as ProtoDeliveryStatus,
  EntryKind as ProtoEntryKind,
  type JournalEntrySchema,
  WatchResponseSchema,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { isSettled, type SimulatedChannel } from '../../payment/payment.ts';
import type {
  Attempt,
  CallEntry,
  DeliveryEntry,
  EntryKind,
  TransitionEntry,
} from '../../simulator/journal/entry.ts';
import type { LoggedDelivery } from '../../simulator/journal/delivery-log.ts';
import type { PlacedEntry } from '../../simulator/journal/journal.ts';
import type { WatchedEntries } from '../../simulator/journal/watch.ts';
import { createEnumReader } from '../enum-reader.ts';
import { paymentToProto, statusToProto } from '../payment-v1/payment-messages.ts';

/* Deliveries and the journal in the messages of the contract. */

const deliveryStatusToProto = {
  WAITING: ProtoDeliveryStatus.WAITING,
  DELIVERED: ProtoDeliveryStatus.DELIVERED,
  GIVEN_UP: ProtoDeliveryStatus.GIVEN_UP,
  SIMULATED: ProtoDeliveryStatus.SIMULATED,
} as const;
const kindToProto = {
  call: ProtoEntryKind.CALL,
  transition: ProtoEntryKind.TRANSITION,
  delivery: ProtoEntryKind.DELIVERY,
} as const satisfies Record<EntryKind, ProtoEntryKind>;
const channelToProto: Readonly<Record<SimulatedChannel, ProtoChannel>> = {
  webhook: ProtoChannel.WEBHOOK,
  eventbridge: ProtoChannel.EVENTBRIDGE,
};

export const channelFromProto = createEnumReader(channelToProto);
export const deliveryStatusFromProto = createEnumReader(deliveryStatusToProto);
export const kindFromProto = createEnumReader(kindToProto);

type DeliveryMessage = MessageInitShape<typeof DeliverySchema>;

/** A delivery without its attempts. */
export function deliveryHeadToProto(
  delivery: Omit<LoggedDelivery, 'attempts' | 'changedAtMs'>,
): DeliveryMessage {
  const { event, channel, status, faults, nextAttemptAtMs, error = '' } = delivery;
  return {
    eventId: event.id,
    eventType: event.type,
    sequence: event.sequence,
    paymentIntentId: event.payment.id,
    paymentStatus: statusToProto[event.payment.status],
    channel: channelToProto[channel],
    url: channel === 'webhook' ? (event.destination ?? '') : '',
    status: deliveryStatusToProto[status],
    faults: [...faults],
    ...(nextAttemptAtMs !== undefined && { nextAttemptAt: timestampFromMs(nextAttemptAtMs) }),
    error,
    sessionId: event.sessionId ?? '',
    occurredAt: timestampFromMs(event.occurredAtMs),
  };
}

export function deliveryToProto(delivery: LoggedDelivery): DeliveryMessage {
  return { ...deliveryHeadToProto(delivery), attempts: delivery.attempts.map(attemptToProto) };
}

function attemptToProto(attempt: Attempt): DeliveryAttempt {
  const { texts, number, startedAtMs, durationMs, statusCode = 0, answer, error = '', fault = '' } = attempt;
  return create(DeliveryAttemptSchema, {
    number,
    startedAt: timestampFromMs(startedAtMs),
    duration: durationOf(durationMs),
    headers: { ...texts.headers() },
    body: texts.body(),
    statusCode,
    answer,
    error,
    fault,
  });
}

/** To the microsecond. */
function durationOf(ms: number) {
  const micros = Math.round(ms * 1_000);
  const duration = durationFromMs(Math.floor(micros / 1_000));
  duration.nanos += (micros % 1_000) * 1_000;
  return duration;
}

/** @param cursor names the place of an entry. */
export function watchedToProto(
  { entries, cursor, skipped, sampledOut }: WatchedEntries,
  cursorOf: (position: number) => string,
) {
  return create(WatchResponseSchema, {
    entries: entries.map((placed) => entryToProto(placed, cursorOf(placed.position))),
    cursor,
    skipped: BigInt(skipped),
    sampledOut: BigInt(sampledOut),
  });
}

/** @param cursor names its place. */
export function entryToProto(
  { entry }: PlacedEntry,
  cursor: string,
): MessageInitShape<typeof JournalEntrySchema> {
  return {
    cursor,
    time: timestampFromMs(entry.atMs),
    kind: kindToProto[entry.kind],
    sessionId: entry.sessionId ?? '',
    paymentIntentId: entry.paymentId,
    what: whatToProto(entry),
  };
}

function whatToProto(
  entry: CallEntry | TransitionEntry | DeliveryEntry,
): NonNullable<MessageInitShape<typeof JournalEntrySchema>['what']> {
  switch (entry.kind) {
    case 'call': {
      const { method, texts, code, message, ruleIds, fault = '', durationMs } = entry;
      const duration = durationOf(durationMs);
      const said = { request: texts.request(), answer: texts.answer() };
      return {
        case: 'call',
        value: { method, ...said, code, message, ruleIds: [...ruleIds], fault, duration },
      };
    }
    case 'transition': {
      const { payment, eventId = '', refundId = '', reason = '' } = entry;
      const isDue = !isSettled(payment) && payment.extras?.isHeld !== true;
      const dueAt = isDue ? { dueAt: timestampFromMs(payment.dueAtMs) } : {};
      return {
        case: 'transition',
        value: { payment: paymentToProto(payment), ...dueAt, eventId, refundId, reason },
      };
    }
    case 'delivery': {
      const attempts = entry.attempt === undefined ? [] : [attemptToProto(entry.attempt)];
      return { case: 'delivery', value: { ...deliveryHeadToProto(entry), attempts } };
    }
  }
}
