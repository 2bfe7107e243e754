import type { Clock, Timer } from '../../base/clock.ts';
import { Fifo } from '../../base/fifo.ts';
import type { BatchSource } from '../batch.ts';
import type { EventBridgeEntry } from './entry.ts';
import type { PaymentEvent } from '../payload.ts';

/** An event on its way to EventBridge; times in milliseconds since the epoch. */
export interface PendingEvent {
  readonly event: PaymentEvent;
  readonly settledAtMs: number;
  /** Made at the first attempt and the same in every one. */
  entry: EventBridgeEntry | undefined;
  attempts: number;
  firstAttemptAtMs: number | undefined;
  lastAttemptAtMs: number | undefined;
  lastError: string;
  /**
   * Tells whoever waits for the event that it is delivered, given up or queued elsewhere, or why none of
   * that. Undefined when nobody waits.
   */
  readonly end: ((error?: unknown) => void) | undefined;
  /** How often it waited elsewhere without an attempt. */
  readonly waits: number;
  /** When it came, or came back. */
  readonly sinceMs: number;
}

interface RetryGroup {
  readonly events: PendingEvent[];
  readonly dueAtMs: number;
  readonly timer: Timer;
}

/** The events that wait: those whose turn it is, retries first, and those that wait for their retry. */
export interface EventBridgeBacklog extends BatchSource<PendingEvent> {
  push(event: PendingEvent): void;
  /** Holds events that failed together until their retry; one timer for all of them. */
  retryLater(events: PendingEvent[], delayMs: number): void;
  /** Takes the oldest event, whatever it waits for; retries are older than all that were never tried. */
  takeOldest(): PendingEvent | undefined;
  /** Lets retries that are due after `atMs` have their turn at once. */
  hurry(atMs: number): void;
  /** How many may be sent now. */
  ready(): number;
  /** How many wait for their retry. */
  retrying(): number;
}

/** @param onRetryDue called when retries have joined those that may be sent. */
export function createEventBridgeBacklog(clock: Clock, onRetryDue: () => void): EventBridgeBacklog {
  const fresh = new Fifo<PendingEvent>();
  const again = new Fifo<PendingEvent>();
  const groups = new Set<RetryGroup>();
  let retrying = 0;

  function release(group: RetryGroup): void {
    groups.delete(group);
    group.timer.cancel();
    retrying -= group.events.length;
    for (const event of group.events) {
      again.push(event);
    }
  }

  function takeFromGroups(): PendingEvent | undefined {
    for (const group of groups) {
      const event = group.events.shift();
      if (group.events.length === 0) {
        groups.delete(group);
        group.timer.cancel();
      }
      if (event !== undefined) {
        retrying -= 1;
        return event;
      }
    }
    return undefined;
  }

  return {
    push: (event) => fresh.push(event),
    peek: () => again.peek() ?? fresh.peek(),
    shift: () => again.shift() ?? fresh.shift(),

    retryLater(events, delayMs) {
      const group: RetryGroup = {
        events,
        dueAtMs: clock.now() + delayMs,
        timer: clock.setTimer(delayMs, () => {
          release(group);
          onRetryDue();
        }),
      };
      groups.add(group);
      retrying += events.length;
    },

    takeOldest: () => again.shift() ?? takeFromGroups() ?? fresh.shift(),

    hurry(atMs) {
      for (const group of [...groups].filter((candidate) => candidate.dueAtMs > atMs)) {
        release(group);
      }
    },

    ready: () => again.size + fresh.size,
    retrying: () => retrying,
  };
}
