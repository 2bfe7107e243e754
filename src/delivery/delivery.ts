import type { PaymentEvent } from '../payment/event.ts';

/**
 * An event on its way out by one channel; plain data, so that a queue may store it. Its times are in
 * milliseconds since the epoch, by the simulation's clock.
 */
export interface Delivery {
  readonly event: PaymentEvent;
  /** Attempts made so far. */
  readonly attempts: number;
  /** How often it has waited without an attempt since, because there was no way or no room to make one. */
  readonly waits: number;
  /** How long it has waited in all because its receiver asked for it, beyond the back-off, in milliseconds. */
  readonly askedMs: number;
  /** When the first and the last attempt began; undefined before the first. */
  readonly firstAttemptAtMs: number | undefined;
  readonly lastAttemptAtMs: number | undefined;
  /** What the last attempt failed with; undefined before the first. */
  readonly lastError: string | undefined;
}

/** An event on its way to one webhook address. */
export interface WebhookDelivery extends Delivery {
  readonly url: string;
}

/** A delivery before its first attempt. */
export function newDelivery(event: PaymentEvent): Delivery {
  return {
    event,
    attempts: 0,
    waits: 0,
    askedMs: 0,
    firstAttemptAtMs: undefined,
    lastAttemptAtMs: undefined,
    lastError: undefined,
  };
}

/** What an attempt that began at `atMs` makes of a delivery. */
export function afterAttempt<D extends Delivery>(delivery: D, atMs: number): D {
  return {
    ...delivery,
    attempts: delivery.attempts + 1,
    firstAttemptAtMs: delivery.firstAttemptAtMs ?? atMs,
    lastAttemptAtMs: atMs,
  };
}
