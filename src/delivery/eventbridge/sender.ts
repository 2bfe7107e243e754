import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { RandomSource } from '../../base/random.ts';
import { LeftToOthersError } from '../../state/left-to-others-error.ts';
import type { DeadLetters } from '../dead-letter/dead-letter.ts';
import type { DeliveryChannel } from '../delivery-service.ts';
import { createEventBridgeAttempt } from './attempt.ts';
import { createEventBridgeBacklog, type PendingEvent } from './backlog.ts';
import { putEventsLimits, takeBatch } from '../batch.ts';
import { createCallGate } from './call-gate.ts';
import { createEventBridgeGiveUp } from './give-up.ts';
import { createCompanyWait } from './linger.ts';
import type { EventBridgeElsewhere } from './durable-retries.ts';
import type { EventBridgeConfig } from './config.ts';
import { entryBytes, type EventBridgeEntry, type PutEvents, toEventBridgeEntry } from './entry.ts';
import type { EventRetry } from './event-retry.ts';
import { type EntryFailure, judgeBatch } from './outcome.ts';

/** What the EventBridge sender works with. */
export interface EventBridgeSenderDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly deadLetters: DeadLetters;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly config: EventBridgeConfig;
  /** Where events wait that outlive the process; undefined when they wait here. */
  readonly elsewhere?: EventBridgeElsewhere | undefined;
}

/** The channel to EventBridge. What it accepts before it is opened waits. */
export interface EventBridgeSender extends DeliveryChannel {
  /** Starts to send. */
  open(putEvents: PutEvents): void;
  /** Goes on with an event that waited elsewhere; ends as `accept` does. */
  resume(waiting: EventRetry): Promise<void>;
  /** Gives back how many events were waiting, and forgets them. */
  discard(): number;
  /** How many events wait, by what they wait for. */
  backlog(): { readonly ready: number; readonly retrying: number; readonly in_flight: number };
}

/** With an event that has been here for longer than this, in milliseconds, EventBridge counts as slow. */
const slowMs = 1_000;
/** Longest pause between calls while all of them fail, in milliseconds. */
const maxPauseMs = 2_000;

/** Gathers events into PutEvents calls and sends again what failed and may yet succeed. */
export function createEventBridgeSender(deps: EventBridgeSenderDeps): EventBridgeSender {
  const { clock, config, metrics, logger, deadLetters, elsewhere } = deps;
  metrics.eventBridgeEvents.count('delivered', 0);
  const giveUp = createEventBridgeGiveUp({ metrics, deadLetters, isShared: elsewhere !== undefined });
  const backlog = createEventBridgeBacklog(clock, leave);
  const company = createCompanyWait({
    clock,
    waitMs: config.batchWaitMs,
    fullAt: putEventsLimits.maxEntries,
    ready: () => backlog.ready(),
    onOver: pump,
  });
  const gate = createCallGate({
    clock,
    random: deps.random,
    maxInFlight: config.maxInFlight,
    basePauseMs: Math.min(config.retry.baseMs, maxPauseMs),
    maxPauseMs: Math.min(config.retry.maxMs, maxPauseMs),
    onOpen: pump,
  });
  const inFlight = new Set<PendingEvent>();
  const attempt = createEventBridgeAttempt({
    clock,
    metrics,
    entryOf,
    isInFlight: (pending) => inFlight.has(pending),
    conclude,
  });
  let putEvents: PutEvents | undefined;
  let retryUntilMs = Infinity;
  let abandoned = false;
  let onIdle: (() => void) | undefined;

  function leave(): void {
    company.arrived();
    pump();
  }

  function pump(): void {
    const call = putEvents;
    if (call === undefined) {
      return;
    }
    while (company.mayLeave() && gate.mayStart()) {
      const batch = takeBatch(backlog, (pending) => entryBytes(entryOf(pending)), putEventsLimits);
      company.left(batch.length);
      for (const pending of batch) {
        inFlight.add(pending);
      }
      void run(call, batch);
    }
    // What is left over after full calls waits in its turn.
    company.arrived();
  }

  function entryOf(pending: PendingEvent): EventBridgeEntry {
    const { source, busName } = config;
    pending.entry ??= toEventBridgeEntry(pending.event, pending.settledAtMs, clock.now(), {
      source,
      busName,
    });
    return pending.entry;
  }

  async function run(call: PutEvents, batch: readonly PendingEvent[]): Promise<void> {
    gate.started();
    const worked = await attempt(call, batch);
    gate.ended(worked ? 'worked' : 'failed');
    pump();
    if (isIdle()) {
      onIdle?.();
    }
  }

  function conclude(batch: readonly PendingEvent[], failures: readonly (EntryFailure | undefined)[]): void {
    // Abandoned by the shutdown meanwhile: accounted for already.
    if (abandoned) {
      return;
    }
    const { delivered, failed, retries, givenUp } = judgeBatch(batch, failures, config.retry, deps.random);
    for (const pending of batch) {
      inFlight.delete(pending);
    }
    if (delivered.length > 0) {
      metrics.eventBridgeEvents.count('delivered', delivered.length);
      for (const pending of delivered) {
        pending.end?.();
      }
    }
    for (const { pending, failure } of failed) {
      pending.lastError = failure.detail;
      metrics.eventBridgeEntryFailures.inc({ reason: failure.reason });
    }
    for (const { pending, reason } of givenUp) {
      giveUp(pending, reason);
    }
    for (const [delayMs, events] of retries) {
      retry(events, delayMs, batch.length);
    }
  }

  function retry(events: PendingEvent[], delayMs: number, batchSize: number): void {
    const errors = [...new Set(events.map((pending) => pending.lastError))].join('; ');
    logger.warn(
      { entries: events.length, of: batchSize, error: errors, retry_in_ms: delayMs },
      'EventBridge did not take events, to be tried again',
    );
    if (elsewhere !== undefined) {
      for (const pending of events) {
        elsewhere.retryLater(pending, delayMs);
      }
      return;
    }
    if (clock.now() + delayMs > retryUntilMs) {
      for (const pending of events) {
        giveUp(pending, 'shutdown');
      }
      return;
    }
    backlog.retryLater(events, delayMs);
  }

  /** Ends when the event is delivered, given up or waits elsewhere. */
  async function handle(waiting: EventRetry, mayStay: boolean): Promise<void> {
    if (abandoned) {
      throw new LeftToOthersError();
    }
    if (putEvents === undefined || !mayStay) {
      await elsewhere?.wait(waiting);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      backlog.push({
        ...waiting,
        sinceMs: clock.now(),
        entry: undefined,
        firstAttemptAtMs: waiting.firstAttemptAtMs,
        lastAttemptAtMs: waiting.lastAttemptAtMs,
        end: (error) => (error === undefined ? resolve() : reject(error)),
      });
      leave();
    });
  }

  /** Whether a new event may have its turn here rather than elsewhere. */
  function hasRoom(): boolean {
    const [oldest = backlog.peek()] = inFlight;
    const isSlow = oldest !== undefined && clock.now() - oldest.sinceMs > slowMs;
    return !isSlow || backlog.ready() + inFlight.size < (elsewhere?.maxSlow ?? Infinity);
  }

  function isIdle(): boolean {
    return inFlight.size === 0 && backlog.ready() === 0 && backlog.retrying() === 0;
  }

  function abandon(): void {
    abandoned = true;
    gate.endPause();
    company.endForGood();
    for (const pending of inFlight) {
      giveUp(pending, 'shutdown');
    }
    inFlight.clear();
    for (let left = backlog.takeOldest(); left !== undefined; left = backlog.takeOldest()) {
      giveUp(left, 'shutdown');
    }
  }

  return {
    open(call) {
      putEvents = call;
      leave();
    },

    resume: (waiting) => handle(waiting, true),

    accept(event, payment) {
      if (elsewhere !== undefined) {
        const { settledAtMs } = payment;
        return handle({ event, settledAtMs, attempts: 0, waits: 0, lastError: 'not tried yet' }, hasRoom());
      }
      const pending: PendingEvent = {
        event,
        settledAtMs: payment.settledAtMs,
        entry: undefined,
        attempts: 0,
        firstAttemptAtMs: undefined,
        lastAttemptAtMs: undefined,
        lastError: 'not tried yet',
        end: undefined,
        waits: 0,
        sinceMs: clock.now(),
      };
      if (abandoned) {
        giveUp(pending, 'shutdown');
        return undefined;
      }
      if (backlog.ready() + backlog.retrying() >= config.maxBacklog) {
        const oldest = backlog.takeOldest();
        if (oldest !== undefined) {
          giveUp(oldest, 'overflow');
        }
      }
      backlog.push(pending);
      leave();
      return undefined;
    },

    discard() {
      let discarded = 0;
      while (backlog.takeOldest() !== undefined) {
        discarded += 1;
      }
      return discarded;
    },

    backlog: () => ({
      ready: backlog.ready(),
      retrying: backlog.retrying(),
      in_flight: inFlight.size,
    }),

    async drain(untilMs) {
      retryUntilMs = untilMs;
      // Retries that would come too late get one more chance now.
      backlog.hurry(untilMs);
      gate.endPause();
      company.endForGood();
      pump();
      if (!isIdle()) {
        await new Promise<void>((resolve) => {
          const timer = clock.setTimer(Math.max(0, untilMs - clock.now()), () => {
            abandon();
            resolve();
          });
          onIdle = () => {
            timer.cancel();
            resolve();
          };
        });
      }
      abandoned = true;
      gate.endPause();
    },
  };
}
