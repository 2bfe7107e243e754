import type { MachineClock } from '../base/clock.ts';
import type { Delivery } from './delivery.ts';

/** Whether a delivery comes from the job of its event, or from the queue of those that wait. */
export type Source = 'event' | 'queue';

interface AttemptSlotsDeps<D extends Delivery> {
  readonly machine: Pick<MachineClock, 'monotonic'>;
  /** Names what can be slow for itself: for webhooks scheme, host and port. */
  readonly originOf: (delivery: D) => string;
  /** Connections to one origin at most; `Infinity` without such a bound. */
  readonly connectionsPerOrigin: number;
  /** How many deliveries of each source may be under way to slow origins, all of them together. */
  readonly maxSlow: Readonly<Record<Source, number>>;
}

/**
 * Shares out the jobs of a process that may wait for a delivery. Quick origins have as many as come: each is
 * over in a moment. A slow one has no more than it has connections, and all slow ones together leave room for
 * the others.
 */
export interface AttemptSlots<D extends Delivery> {
  /** Takes a slot, to be released once; false when the delivery has to wait in the queue. */
  take(source: Source, delivery: D): boolean;
  /** Gives the slot back that `take` has given. */
  release(source: Source, delivery: D): void;
  /**
   * How long a delivery without a slot should wait in the queue, in milliseconds: until those that were sent
   * there before have had their turn, by the pace of their origin.
   */
  lineUp(delivery: D): number;
}

interface Origin {
  /** Deliveries under way, the oldest first, with when they began by the monotonic clock. */
  readonly underWay: Readonly<Record<Source, Map<Delivery, number>>>;
  /** How long the one that ended last was under way. */
  lastMs: number;
  /** When the last of those in the queue has its turn, by the monotonic clock. */
  lineEndsAtMs: number;
}

interface State<D extends Delivery> extends AttemptSlotsDeps<D> {
  readonly origins: Map<string, Origin>;
}

/** An origin is slow with a delivery that takes, or that ended last and took, longer than this; in milliseconds. */
const slowMs = 1_000;
/** Shortest and longest wait in the queue for room, in milliseconds. It may come earlier than thought. */
const minWaitMs = 1_000;
const maxWaitMs = 30_000;
/** Origins that are remembered for their slowness alone. */
const maxIdleOrigins = 10_000;

/** See `AttemptSlots`. */
export function createAttemptSlots<D extends Delivery>(deps: AttemptSlotsDeps<D>): AttemptSlots<D> {
  const self: State<D> = { ...deps, origins: new Map() };
  return {
    take: (source, delivery) => take(self, source, delivery),
    release: (source, delivery) => release(self, source, delivery),
    lineUp: (delivery) => lineUp(self, delivery),
  };
}

function take<D extends Delivery>(self: State<D>, source: Source, delivery: D): boolean {
  const origin = originAt(self, self.originOf(delivery));
  const nowMs = self.machine.monotonic();
  if (paceMs(origin, nowMs) > slowMs && !hasRoom(self, source, origin, nowMs)) {
    return false;
  }
  origin.underWay[source].set(delivery, nowMs);
  return true;
}

function hasRoom<D extends Delivery>(
  { origins, connectionsPerOrigin, maxSlow }: State<D>,
  source: Source,
  origin: Origin,
  nowMs: number,
): boolean {
  if (countOf(origin) >= connectionsPerOrigin) {
    return false;
  }
  let slow = 0;
  for (const each of origins.values()) {
    slow += paceMs(each, nowMs) > slowMs ? each.underWay[source].size : 0;
  }
  return slow < maxSlow[source];
}

function release<D extends Delivery>(self: State<D>, source: Source, delivery: D): void {
  const name = self.originOf(delivery);
  const origin = originAt(self, name);
  const nowMs = self.machine.monotonic();
  origin.lastMs = nowMs - (origin.underWay[source].get(delivery) ?? nowMs);
  origin.underWay[source].delete(delivery);
  if (countOf(origin) === 0 && origin.lastMs <= slowMs && origin.lineEndsAtMs <= nowMs) {
    self.origins.delete(name);
  }
}

function lineUp<D extends Delivery>(self: State<D>, delivery: D): number {
  const origin = originAt(self, self.originOf(delivery));
  const nowMs = self.machine.monotonic();
  const gapMs = paceMs(origin, nowMs) / self.connectionsPerOrigin;
  const turnAtMs = Math.max(origin.lineEndsAtMs + gapMs, nowMs + minWaitMs);
  origin.lineEndsAtMs = Math.min(turnAtMs, nowMs + maxWaitMs);
  return Math.round(origin.lineEndsAtMs - nowMs);
}

/** How long a delivery takes there, as far as can be known. */
function paceMs({ underWay, lastMs }: Origin, nowMs: number): number {
  const [oldestEventMs = nowMs] = underWay.event.values();
  const [oldestQueuedMs = nowMs] = underWay.queue.values();
  return Math.max(lastMs, nowMs - Math.min(oldestEventMs, oldestQueuedMs));
}

function countOf({ underWay }: Origin): number {
  return underWay.event.size + underWay.queue.size;
}

function originAt<D extends Delivery>({ origins }: State<D>, name: string): Origin {
  let origin = origins.get(name);
  if (origin === undefined) {
    origin = { underWay: { event: new Map(), queue: new Map() }, lastMs: 0, lineEndsAtMs: -Infinity };
    if (origins.size >= maxIdleOrigins) {
      forgetIdle(origins);
    }
    origins.set(name, origin);
  }
  return origin;
}

function forgetIdle(origins: Map<string, Origin>): void {
  for (const [name, origin] of origins) {
    if (countOf(origin) === 0) {
      origins.delete(name);
    }
  }
}
