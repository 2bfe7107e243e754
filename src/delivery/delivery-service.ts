import type { SettledPayment } from '../payment/payment.ts';
import { type PaymentEvent, toPaymentEvent } from './payload.ts';

/** One way for an outcome to go out. */
export interface DeliveryChannel {
  /**
   * Takes the event over: from here on it is delivered, retried or dead-lettered. Returns at once
   * and never throws, so that no channel can delay or hide another.
   *
   * @returns with state that outlives the process, what ends when the event is delivered, given up, or
   *   queued outside of the process for another attempt; and fails when it is none of them.
   */
  accept(event: PaymentEvent, payment: SettledPayment): Promise<void> | undefined;
  /** Resolves when all that was accepted is delivered or accounted for, at `untilMs` at the latest. */
  drain(untilMs: number): Promise<void>;
}

/** Tells outcomes on every channel. */
export interface DeliveryService {
  /**
   * Hands the outcome of a settled payment to every channel.
   *
   * @returns with state that outlives the process, what ends when no channel would lose the event if the
   *   process died, and fails when one would.
   */
  deliver(payment: SettledPayment): Promise<void> | undefined;
  drain(untilMs: number): Promise<void>;
}

/**
 * One event per settlement, under one id, to all channels.
 *
 * @param waits whether `deliver` has a result, which costs a little.
 */
export function createDeliveryService(channels: readonly DeliveryChannel[], waits = false): DeliveryService {
  return {
    deliver(payment) {
      const event = toPaymentEvent(payment);
      if (waits) {
        return whenSafe(channels.map(async (channel) => channel.accept(event, payment)));
      }
      for (const channel of channels) {
        void channel.accept(event, payment);
      }
      return undefined;
    },

    async drain(untilMs) {
      await Promise.all(channels.map((channel) => channel.drain(untilMs)));
    },
  };
}

/** Waits for all, so that none is still at it when the settlement is run again because of another. */
async function whenSafe(handedOver: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(handedOver)) {
    if (result.status === 'rejected') {
      throw result.reason;
    }
  }
}
