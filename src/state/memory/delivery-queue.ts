import { clockOf, type SimClock } from '../../base/clock.ts';
import type { Delivery } from '../../delivery/delivery.ts';
import type { DeliveryQueue } from '../../delivery/ports.ts';
import { eachInSlices } from '../../base/slices.ts';
import { createSessionDueTimes, type SessionDueTimes } from './session-due-times.ts';

interface MemoryDeliveryQueueOptions<D extends Delivery> {
  /** What the waits go by. */
  readonly clock: SimClock;
  readonly maxWaiting: number;
  /** For deliveries to one destination. */
  readonly maxWaitingPerOrigin: number;
  /** Names the destination: its scheme, host and port. */
  readonly originOf: (delivery: D) => string;
}

interface Waiting<D> {
  readonly delivery: D;
  readonly origin: string;
}

interface State<D extends Delivery> extends MemoryDeliveryQueueOptions<D> {
  readonly waiting: SessionDueTimes<Waiting<D>>;
  /** How many wait per origin; only for origins where any do. */
  readonly perOrigin: Map<string, number>;
  attempt: ((delivery: D) => Promise<void> | undefined) | undefined;
  /** Nothing that is due later is held any more. */
  acceptUntilMs: number;
}

/** Waiting deliveries in this process's memory: `drain` hands back what it cannot attempt any more. */
export function createMemoryDeliveryQueue<D extends Delivery>(
  options: MemoryDeliveryQueueOptions<D>,
): DeliveryQueue<D> {
  const self: State<D> = {
    ...options,
    waiting: createSessionDueTimes(options.clock, (waiting) => attempt(self, waiting)),
    perOrigin: new Map(),
    attempt: undefined,
    acceptUntilMs: Infinity,
  };
  return {
    start: (handle) => void (self.attempt = handle),
    add: async (delivery, delayMs) => add(self, delivery, delayMs),
    async drain(withinMs) {
      self.acceptUntilMs = withinMs > 0 ? options.clock.now() + withinMs : -Infinity;
      return Array.from(self.waiting.takeAfter(self.acceptUntilMs), (waiting) => release(self, waiting));
    },
    hurry: () => void eachInSlices(self.waiting.takeAfter(-Infinity), (waiting) => attempt(self, waiting)),
    takeOldest() {
      const oldest = self.waiting.takeOldest();
      return oldest && release(self, oldest);
    },
    heldHere: () => self.waiting.size(),
    size: () => self.waiting.size(),
  };
}

function add<D extends Delivery>(self: State<D>, delivery: D, delayMs: number): 'held' | 'refused' | 'full' {
  const { sessionId } = delivery.event;
  const clock = clockOf(self.clock, sessionId);
  const dueAtMs = clock.now() + delayMs;
  // Nobody moves a session's clock any more.
  if (dueAtMs > self.acceptUntilMs || (clock !== self.clock && self.acceptUntilMs !== Infinity)) {
    return 'refused';
  }
  const origin = self.originOf(delivery);
  const waitingThere = self.perOrigin.get(origin) ?? 0;
  if (self.waiting.size() >= self.maxWaiting || waitingThere >= self.maxWaitingPerOrigin) {
    return 'full';
  }
  self.waiting.add({ delivery, origin }, dueAtMs, sessionId);
  self.perOrigin.set(origin, waitingThere + 1);
  return 'held';
}

function attempt<D extends Delivery>(self: State<D>, waiting: Waiting<D>): void {
  void self.attempt?.(release(self, waiting));
}

/** Forgets a delivery that was taken out. */
function release<D extends Delivery>(self: State<D>, { delivery, origin }: Waiting<D>): D {
  const left = (self.perOrigin.get(origin) ?? 0) - 1;
  if (left > 0) {
    self.perOrigin.set(origin, left);
  } else {
    self.perOrigin.delete(origin);
  }
  return delivery;
}
