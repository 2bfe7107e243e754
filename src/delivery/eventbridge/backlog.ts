import type { MachineClock } from '../../base/clock.ts';
import { Fifo } from '../../base/fifo.ts';
import type { Delivery } from '../delivery.ts';
import type { EventBridgeEntry } from '../payload.ts';
import type { AttemptSpan, DeliveryQueue, StartAttemptSpan } from '../ports.ts';
import type { AttemptFailure } from '../retry-policy.ts';
import { type EntryAddress, toEventBridgeEntry } from './entry.ts';

/** An event that is in the hands of the sender. */
export interface PendingEvent {
  /** As it is after the attempts so far. */
  delivery: Delivery;
  /** Made at the first attempt here and the same in every one. */
  entry: EventBridgeEntry | undefined;
  /** Of the attempt, whose entry names it; absent where no spans are made. */
  span?: AttemptSpan | undefined;
  /** Called once: the event is accounted for, or fails to be. */
  readonly onEnd: (ended: Promise<void>) => void;
}

/** An event that nobody waits for. */
export function unawaited(delivery: Delivery): PendingEvent {
  return { delivery, entry: undefined, onEnd: () => undefined };
}

/** The entry of an event, made when it is first asked for. */
export function entryOf(
  pending: PendingEvent,
  address: EntryAddress,
  machine: MachineClock,
  startSpan: StartAttemptSpan<Delivery> | undefined,
): EventBridgeEntry {
  if (pending.entry === undefined) {
    // The entry names its span and stays the same, so the span is there before the call is.
    pending.span = startSpan?.(pending.delivery);
    pending.entry = toEventBridgeEntry(pending.delivery.event, machine.now(), address, pending.span?.trace);
  }
  return pending.entry;
}

/** Ends the span of an attempt, if it has one; the first end counts. */
export function endSpan(pending: PendingEvent, failure: AttemptFailure | undefined): void {
  pending.span?.end(failure);
  pending.span = undefined;
}

/** The events that may be sent: those that were tried before, which go first, and those that were not. */
export class Backlog {
  readonly #retried = new Fifo<PendingEvent>();
  readonly #fresh = new Fifo<PendingEvent>();
  readonly #queue: DeliveryQueue<Delivery>;

  /** @param queue where events wait for their next attempt. */
  constructor(queue: DeliveryQueue<Delivery>) {
    this.#queue = queue;
  }

  /** How many may be sent. */
  get size(): number {
    return this.#retried.size + this.#fresh.size;
  }

  push(pending: PendingEvent): void {
    (pending.delivery.attempts > 0 ? this.#retried : this.#fresh).push(pending);
  }

  peek(): PendingEvent | undefined {
    return this.#retried.peek() ?? this.#fresh.peek();
  }

  shift(): PendingEvent | undefined {
    return this.#retried.shift() ?? this.#fresh.shift();
  }

  /** Takes all that may be sent. */
  takeAll(): readonly PendingEvent[] {
    return [...this.#retried.takeAll(), ...this.#fresh.takeAll()];
  }

  /** Takes the oldest: retries are older than all that was never tried, those in the queue included. */
  takeOldest(): PendingEvent | undefined {
    const retried = this.#retried.shift();
    if (retried !== undefined) {
      return retried;
    }
    const waiting = this.#queue.takeOldest();
    return waiting === undefined ? this.#fresh.shift() : unawaited(waiting);
  }

  /** Forgets all, those in the queue included; returns how many they were. */
  discard(): number {
    let discarded = 0;
    while (this.takeOldest() !== undefined) {
      discarded += 1;
    }
    return discarded;
  }
}
