import type { Delivery } from '../../src/delivery/delivery.ts';
import type { DeliveryQueue } from '../../src/delivery/ports.ts';

/** A queue that outlives the process, as far as a sender can tell. */
export interface HeldQueue<D extends Delivery> extends DeliveryQueue<D> {
  readonly held: readonly { readonly delivery: D; readonly delayMs: number }[];
  /** Attempts what was held first, as the queue would when it is due. */
  attemptNext(): Promise<void>;
  /** Whether `add` fails. */
  isBroken: boolean;
}

/** Holds what it is given until the test says so. */
export function createHeldQueue<D extends Delivery>(): HeldQueue<D> {
  const held: { readonly delivery: D; readonly delayMs: number }[] = [];
  let attempt: ((delivery: D) => Promise<void> | undefined) | undefined;
  return {
    held,
    isBroken: false,
    start(handler) {
      attempt = handler;
    },
    async add(delivery, delayMs) {
      if (this.isBroken) {
        throw new Error('out of reach');
      }
      held.push({ delivery, delayMs });
      return 'held';
    },
    async attemptNext() {
      const [next] = held.splice(0, 1);
      if (next === undefined) {
        throw new Error('nothing is held');
      }
      await attempt?.(next.delivery);
    },
    drain: async () => [],
    hurry: () => undefined,
    takeOldest: () => undefined,
    heldHere: () => 0,
    size: () => held.length,
  };
}
