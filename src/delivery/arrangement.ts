import { createHash } from 'node:crypto';
import { clockOf, type SimClock } from '../base/clock.ts';
import type { IdPrefix } from '../base/ids.ts';
import { contradict } from '../payment/contradiction.ts';
import type { EventDelivery, PaymentEvent } from '../payment/event.ts';
import type { DeliveryBehavior, SettledStatus } from '../payment/payment.ts';
import type { ChannelName } from './dead-letter.ts';

/** What becomes of an event on one channel. */
export interface Arrangement {
  readonly channel: ChannelName;
  /** What goes out, in this order. */
  readonly sendings: readonly Sending[];
  /** What is done to it, by the names of the contract's fields. */
  readonly faults: readonly string[];
}

/** An event that goes out. */
export interface Sending {
  readonly event: PaymentEvent;
  readonly delayMs: number;
}

type Planned = Extract<EventDelivery, { kind: 'planned' }>;

const channels: readonly ChannelName[] = ['webhook', 'eventbridge'];

/** What a tester has decided of the deliveries of an event, channel by channel. */
export function arrange(event: PaymentEvent, plan: Planned): readonly Arrangement[] {
  return channels
    .filter((channel) => channel === 'eventbridge' || event.destination !== undefined)
    .map((channel) => arrangeOn(channel, event, plan));
}

const asUsual: DeliveryBehavior = {
  channel: undefined,
  copies: 1,
  delayMs: 0,
  drop: false,
  holdUntilNextEvent: false,
  signature: undefined,
  conflictingStatus: undefined,
};

/** An event that goes out by a channel again, as usual unless `behavior` says otherwise. */
export function arrangeAgain(
  channel: ChannelName,
  event: PaymentEvent,
  behavior: DeliveryBehavior = asUsual,
): Arrangement {
  return arrangeOn(channel, event, { kind: 'planned', behavior, held: undefined });
}

function arrangeOn(channel: ChannelName, event: PaymentEvent, { behavior, held }: Planned): Arrangement {
  if (behavior.channel !== undefined && behavior.channel !== channel) {
    return { channel, sendings: [{ event: sentBy(channel, event), delayMs: 0 }], faults: [] };
  }
  if (behavior.drop) {
    return { channel, sendings: [], faults: ['drop'] };
  }
  if (behavior.holdUntilNextEvent && event.sequence === 1) {
    return { channel, sendings: [], faults: ['hold_until_next_event'] };
  }
  const signature = channel === 'webhook' ? behavior.signature : undefined;
  const { copies, delayMs, conflictingStatus: status } = behavior;
  const events = [
    ...Array.from({ length: copies }, () => sentBy(channel, event, { signature })),
    ...(status === undefined ? [] : [sentBy(channel, contradicting(event, status), { signature })]),
    ...(held === undefined
      ? []
      : Array.from({ length: copies }, () => sentBy(channel, held, { signature, isHeldBack: true }))),
  ];
  return {
    channel,
    sendings: events.map((each) => ({ event: each, delayMs })),
    faults: [
      ...(copies > 1 ? ['copies'] : []),
      ...(delayMs > 0 ? ['delay_ms'] : []),
      ...(signature === undefined ? [] : ['signature']),
      ...(status === undefined ? [] : ['conflicting_status']),
    ],
  };
}

function sentBy(
  channel: ChannelName,
  event: PaymentEvent,
  { signature, isHeldBack = false }: Partial<Extract<EventDelivery, { kind: 'arranged' }>> = {},
): PaymentEvent {
  return {
    ...event,
    destination: channel === 'webhook' ? event.destination : undefined,
    delivery: { kind: 'arranged', channel, signature, isHeldBack },
  };
}

/** What tells the contrary. Its id follows from the event's: it is the same when the event is announced again. */
function contradicting(event: PaymentEvent, status: SettledStatus): PaymentEvent {
  const { transactionId, failureCode } = event.payment;
  const follow = (prefix: IdPrefix) =>
    prefix === 'txn' && transactionId !== '' ? transactionId : followingId(prefix, event.id);
  return contradict(event, status, follow, failureCode);
}

/** A UUID of version 8 (RFC 9562), made of a digest. */
function followingId(prefix: IdPrefix, id: string): string {
  const hex = createHash('sha256').update(`${prefix}:${id}`).digest('hex');
  return `${prefix}-${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** How long an event was kept back because a tester wants it so: that is not held against its delivery. */
export function keptBackMs({ delivery, occurredAtMs, sessionId }: PaymentEvent, clock: SimClock): number {
  return delivery === undefined ? 0 : Math.max(0, clockOf(clock, sessionId).now() - occurredAtMs);
}
