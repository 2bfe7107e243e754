import type { Observer } from '../base/observer.ts';
import { PaymentError } from '../payment/errors.ts';
import type { EventDelivery, PaymentEvent } from '../payment/event.ts';
import { arrange, type Sending } from './arrangement.ts';
import type { ChannelName } from './dead-letter.ts';
import type { DeliveryReport } from './observer.ts';

/** One way for an event to go out. */
export interface DeliveryChannel {
  /** Begins to work on deliveries that wait; called once, before anything is accepted. */
  start(): void;
  /**
   * Takes the event over: from here on it is delivered, retried or dead-lettered. Returns at once
   * and never throws, so that no channel can delay or hide another.
   *
   * @returns with durable state, what ends when the event is delivered, given up, or queued outside of the
   *   process for another attempt; and fails when it is none of them.
   */
  accept(event: PaymentEvent): Promise<void> | undefined;
  /**
   * False while accepting more events to `origin` (scheme, host and port of the webhook; undefined without
   * one) than leave would end in dead letters, and waiting could help.
   */
  hasRoom(origin: string | undefined): boolean;
  /** Resolves when all that was accepted is delivered or accounted for, after `withinMs` at the latest. */
  drain(withinMs: number): Promise<void>;
}

/** Tells events on every channel. */
export interface DeliveryService {
  /**
   * Hands an event to every channel.
   *
   * @returns with durable state, what ends when no channel would lose the event if the process died, and
   *   fails when one would.
   */
  readonly deliver: (event: PaymentEvent) => Promise<void> | undefined;
  /** Whether every channel has room. */
  readonly hasRoom: (origin: string | undefined) => boolean;
  drain(withinMs: number): Promise<void>;
}

/** A way out, by its name. */
export interface NamedChannel {
  readonly name: ChannelName;
  readonly channel: DeliveryChannel;
}

interface DeliveryServiceDeps {
  readonly channels: readonly NamedChannel[];
  readonly observe: Observer<DeliveryReport>;
  /** Hands an event to `deliver` so much later, in milliseconds of the simulation's time. */
  readonly deliverLater: (event: PaymentEvent, delayMs: number) => Promise<void>;
}

/** One event, under one id, to all channels. */
export function createDeliveryService(deps: DeliveryServiceDeps): DeliveryService {
  const channels = deps.channels.map(({ channel }) => channel);
  return {
    deliver(event) {
      if (event.delivery !== undefined) {
        return deliverArranged(deps, event, event.delivery);
      }
      deps.observe({ kind: 'accepted', event });
      let pending: Promise<void>[] | undefined;
      for (const channel of channels) {
        const handedOver = channel.accept(event);
        if (handedOver !== undefined) {
          (pending ??= []).push(handedOver);
        }
      }
      // All, so that none is still at it when the event is announced again because of another.
      return pending && allEnded(pending);
    },

    hasRoom: (origin) => channels.every((channel) => channel.hasRoom(origin)),

    async drain(withinMs) {
      await allEnded(channels.map((channel) => channel.drain(withinMs)));
    },
  };
}

/** As a tester wants it: each channel has what goes out by it, one after the other. */
function deliverArranged(
  deps: DeliveryServiceDeps,
  event: PaymentEvent,
  delivery: EventDelivery,
): Promise<void> | undefined {
  if (delivery.kind === 'arranged') {
    return send(deps, { event, delayMs: 0 }, delivery.channel);
  }
  // Of a channel that is off there is nothing to tell.
  const arranged = arrange(event, delivery).filter(
    ({ channel }) => channelNamed(deps, channel) !== undefined,
  );
  const pending = arranged.flatMap(({ channel, sendings, faults }) => {
    if (faults.length > 0) {
      deps.observe({ kind: 'delivery-simulated', event, channel, faults });
    }
    return sendAll(deps, sendings, channel) ?? [];
  });
  return pending.length === 0 ? undefined : allEnded(pending);
}

/**
 * With durable state each waits until the one before is delivered or waits in the queue. Otherwise the channel
 * itself knows which is to come first.
 */
function sendAll(
  deps: DeliveryServiceDeps,
  sendings: readonly Sending[],
  channel: ChannelName,
): Promise<void> | undefined {
  return sendings.reduce<Promise<void> | undefined>(
    (before, sending) =>
      before === undefined ? send(deps, sending, channel) : before.then(() => send(deps, sending, channel)),
    undefined,
  );
}

function channelNamed({ channels }: DeliveryServiceDeps, name: ChannelName): DeliveryChannel | undefined {
  return channels.find((each) => each.name === name)?.channel;
}

function send(
  deps: DeliveryServiceDeps,
  { event, delayMs }: Sending,
  name: ChannelName,
): Promise<void> | undefined {
  const { observe, deliverLater } = deps;
  const sendNow = () => {
    observe({ kind: 'accepted', event });
    return channelNamed(deps, name)?.accept(event);
  };
  return delayMs === 0
    ? sendNow()
    : deliverLater(event, delayMs).catch((error: unknown) => soonOr(error, sendNow));
}

/** What has no room to wait goes out early: better than not at all. */
function soonOr(error: unknown, sendNow: () => Promise<void> | undefined): Promise<void> | undefined {
  if (error instanceof PaymentError && error.reason.kind === 'too-many-bytes-pending') {
    return sendNow();
  }
  throw error;
}

/** Waits for all, and rejects as the first of them that did. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected') {
      throw result.reason;
    }
  }
}
