import type { Observer } from '../base/observer.ts';
import type { PaymentEvent } from '../payment/event.ts';
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

/** One event, under one id, to all channels. */
export function createDeliveryService(
  channels: readonly DeliveryChannel[],
  observe: Observer<DeliveryReport>,
): DeliveryService {
  return {
    deliver(event) {
      observe({ kind: 'accepted', event });
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

/** Waits for all, and rejects as the first of them that did. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected') {
      throw result.reason;
    }
  }
}
