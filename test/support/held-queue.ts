import type { DeliveryQueue } from '../../src/state/ports.ts';

/** A queue that outlives the process, as far as a sender can tell. */
export interface HeldQueue<Delivery> extends DeliveryQueue<Delivery> {
  readonly held: readonly { readonly delivery: Delivery; readonly dueAtMs: number }[];
  /** Attempts what was held first, as the queue would when it is due. */
  attemptNext(): Promise<void>;
  /** Whether `add` fails. */
  isBroken: boolean;
}

/** Holds what it is given until the test says so. */
export function createHeldQueue<Delivery>(): HeldQueue<Delivery> {
  const held: { readonly delivery: Delivery; readonly dueAtMs: number }[] = [];
  let attempt: ((delivery: Delivery) => Promise<void>) | undefined;
  return {
    held,
    isBroken: false,
    start(handler) {
      attempt = handler;
    },
    async add(delivery, dueAtMs) {
      if (this.isBroken) {
        throw new Error('out of reach');
      }
      held.push({ delivery, dueAtMs });
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
    heldHere: () => 0,
    size: () => held.length,
  };
}
