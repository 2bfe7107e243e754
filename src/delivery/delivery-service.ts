import type { SettledPayment } from '../payment/payment.ts';
import { type PaymentEvent, toPaymentEvent } from './payment-event.ts';

/** One way for an outcome to go out. */
export interface DeliveryChannel {
  /**
   * Takes the event over: from here on it is delivered, retried or dead-lettered. Returns at once
   * and never throws, so that no channel can delay or hide another.
   */
  accept(event: PaymentEvent, payment: SettledPayment): void;
  /** Resolves when all that was accepted is delivered or accounted for, at `untilMs` at the latest. */
  drain(untilMs: number): Promise<void>;
}

/** Tells outcomes on every channel. */
export interface DeliveryService {
  /** Hands the outcome of a settled payment to every channel. */
  deliver(payment: SettledPayment): void;
  drain(untilMs: number): Promise<void>;
}

/** One event per settlement, under one id, to all channels. */
export function createDeliveryService(channels: readonly DeliveryChannel[]): DeliveryService {
  return {
    deliver(payment) {
      const event = toPaymentEvent(payment);
      for (const channel of channels) {
        channel.accept(event, payment);
      }
    },

    async drain(untilMs) {
      await Promise.all(channels.map((channel) => channel.drain(untilMs)));
    },
  };
}
