import type { MachineClock, SimClock } from '../../base/clock.ts';
import type { Observer } from '../../base/observer.ts';
import type { RandomSource } from '../../base/random.ts';
import { runSteps } from '../../base/run-steps.ts';
import { eachInSlices } from '../../base/slices.ts';
import { within } from '../../base/within.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import { takeBatch } from '../batch.ts';
import { holdForAWhile } from '../clock-hold.ts';
import type { Custody, OnEnd, Sender } from '../custody.ts';
import { type Delivery, newDelivery } from '../delivery.ts';
import type { DeliveryChannel } from '../delivery-service.ts';
import type { DeliveryReport } from '../observer.ts';
import type { DeliveryQueue, StartAttemptSpan } from '../ports.ts';
import { type AttemptDeps, attemptBatch, type EntryFailure } from './attempt.ts';
import { Backlog, endSpan, entryOf, type PendingEvent, unawaited } from './backlog.ts';
import { type CallGate, createCallGate } from './call-gate.ts';
import type { EventBridgeConfig } from './config.ts';
import { entryBytes, type PutEvents, putEventsLimits } from './entry.ts';
import { createLinger, type Linger } from './linger.ts';
import { type FailedEvent, done, errorOf, sendAgain } from './retries.ts';

interface EventBridgeSenderDeps {
  readonly machine: MachineClock;
  readonly random: RandomSource;
  readonly config: EventBridgeConfig;
  /** Where events wait for their next attempt. */
  readonly queue: DeliveryQueue<Delivery>;
  readonly custody: Custody<Delivery>;
  readonly observe: Observer<DeliveryReport>;
  /** Whether a drain waits for retries; otherwise each event has one more chance at once. */
  readonly drainsRetries: boolean;
  /** The simulation's: EventBridge does not go by it, but who moves it waits for what leaves. */
  readonly clock?: SimClock;
  /** Undefined where no spans are made. */
  readonly startSpan?: StartAttemptSpan<Delivery> | undefined;
}

/** The channel to EventBridge. What it accepts before it is opened waits. */
export interface EventBridgeSender extends DeliveryChannel {
  /** Starts to send. */
  open(putEvents: PutEvents): void;
  /** Tells that it cannot be opened for now; a drain waits for nothing then. */
  cannotOpen(): void;
  /** Goes on with an event that has waited in the queue; ends as `accept` does. */
  resume(delivery: Delivery): Promise<void> | undefined;
  /** Why the last call was refused as a whole; undefined when it was not. */
  refusal(): string | undefined;
  /** Gives back how many events were waiting, and forgets them. */
  discard(): number;
  /** How many events wait, by what they wait for. */
  backlog(): { readonly ready: number; readonly retrying: number; readonly in_flight: number };
}

interface State extends EventBridgeSenderDeps {
  readonly backlog: Backlog;
  readonly inFlight: Set<PendingEvent>;
  readonly linger: Linger;
  readonly gate: CallGate;
  readonly sender: Sender<Delivery>;
  readonly attempt: AttemptDeps;
  /** How many are on their way into the queue. */
  concluding: number;
  putEvents: PutEvents | undefined;
  /** Why the last call was refused as a whole; undefined when it was not. */
  refusal: string | undefined;
  /** Whether the last try to get what opens it failed. */
  cannotBeOpened: boolean;
  isDraining: boolean;
  abandoned: boolean;
  /** Ends the wait of a drain. */
  onOver: (() => void) | undefined;
}

/** Longest pause between calls while all of them fail, in milliseconds. */
const maxPauseMs = 2_000;

/** Gathers events into PutEvents calls and sends again what failed and may yet succeed. */
export function createEventBridgeSender(deps: EventBridgeSenderDeps): EventBridgeSender {
  const { machine, config } = deps;
  const onReady = () => pump(self);
  const self: State = {
    ...deps,
    backlog: new Backlog(deps.queue),
    inFlight: new Set(),
    linger: createLinger({
      machine,
      lingerMs: config.batchWaitMs,
      fullAt: putEventsLimits.maxEntries,
      ready: () => self.backlog.size,
      onOver: onReady,
    }),
    gate: createGate(deps, onReady, () => self.isDraining),
    sender: {
      canSend: () => self.putEvents !== undefined,
      begin: (delivery, onEnd) => begin(self, delivery, onEnd),
      waitForRoom: (delivery, delayMs) =>
        self.custody.hold({ ...delivery, waits: delivery.waits + 1 }, delayMs, errorOf(delivery)),
    },
    attempt: {
      machine,
      observe: deps.observe,
      entryOf: (pending) => entryOf(pending, config, machine, deps.startSpan),
      isInFlight: (pending) => self.inFlight.has(pending),
      conclude: (events, failures) => conclude(self, events, failures),
    },
    concluding: 0,
    putEvents: undefined,
    refusal: undefined,
    cannotBeOpened: false,
    isDraining: false,
    abandoned: false,
    onOver: undefined,
  };
  return {
    start: () => self.queue.start((delivery) => resume(self, delivery)),
    open(putEvents) {
      self.putEvents = putEvents;
      becameReady(self);
    },
    cannotOpen() {
      self.cannotBeOpened = true;
      tellIfOver(self);
    },
    accept: (event) => accept(self, event),
    hasRoom: () => hasRoom(self),
    resume: (delivery) => resume(self, delivery),
    refusal: () => self.refusal,
    discard: () => self.backlog.discard(),
    backlog: () => ({
      ready: self.backlog.size,
      retrying: self.queue.heldHere(),
      in_flight: self.inFlight.size,
    }),
    drain: (withinMs) => drain(self, withinMs),
  };
}

function createGate(
  { machine, random, config, queue }: EventBridgeSenderDeps,
  onOpen: () => void,
  isDraining: () => boolean,
): CallGate {
  return createCallGate({
    machine,
    random,
    maxInFlight: config.maxInFlight,
    basePauseMs: Math.min(config.retry.baseMs, maxPauseMs),
    maxPauseMs: Math.min(config.retry.maxMs, maxPauseMs),
    onOpen,
    onRecovery() {
      // What waits has waited for this.
      if (!isDraining()) {
        queue.hurry();
      }
    },
  });
}

function accept(self: State, event: PaymentEvent): Promise<void> | undefined {
  const delivery = newDelivery(event);
  return self.abandoned ? self.custody.leave(delivery) : self.custody.first(delivery, self.sender);
}

/** While nothing leaves, waiting for room would only hold up the other channels. */
function hasRoom(self: State): boolean {
  const { backlog, queue, config } = self;
  return !isLeaving(self) || backlog.size + queue.heldHere() < config.maxBacklog / 2;
}

function isLeaving({ putEvents, gate }: State): boolean {
  return putEvents !== undefined && !gate.isFailing();
}

function resume(self: State, delivery: Delivery): Promise<void> | undefined {
  return self.abandoned ? self.custody.leave(delivery) : self.custody.again(delivery, self.sender);
}

function begin(self: State, delivery: Delivery, onEnd: OnEnd): void {
  if (self.backlog.size + self.queue.heldHere() >= self.config.maxBacklog) {
    // Whatever it waits for.
    const oldest = self.backlog.takeOldest();
    oldest?.onEnd(self.custody.overflow(oldest.delivery, errorOf(oldest.delivery), self.sender));
  }
  self.backlog.push({ delivery, entry: undefined, onEnd: holding(self, delivery, onEnd) });
  becameReady(self);
}

function holding(self: State, { event }: Delivery, onEnd: OnEnd): OnEnd {
  return self.clock === undefined || !isLeaving(self)
    ? onEnd
    : holdForAWhile(self.clock, self.machine, event, onEnd);
}

function becameReady(self: State): void {
  self.linger.arrived();
  pump(self);
}

function pump(self: State): void {
  const { putEvents, linger, gate } = self;
  if (putEvents === undefined) {
    return;
  }
  const bytesOf = (pending: PendingEvent) => entryBytes(self.attempt.entryOf(pending));
  while (linger.mayLeave() && gate.mayStart()) {
    const batch = takeBatch(self.backlog, bytesOf, putEventsLimits);
    linger.left(batch.length);
    for (const pending of batch) {
      self.inFlight.add(pending);
    }
    void send(self, putEvents, batch);
  }
  // What is left over after full calls lingers in its turn.
  linger.arrived();
}

async function send(self: State, call: PutEvents, batch: readonly PendingEvent[]): Promise<void> {
  self.gate.started();
  const { isInVain, callFailure } = await attemptBatch(self.attempt, call, batch);
  self.gate.ended(isInVain ? 'failed' : 'worked');
  self.refusal = callFailure?.reason === 'refused' ? callFailure.detail : undefined;
  pump(self);
  tellIfOver(self);
}

/** Whether nothing has worked since the start, the last try included: by the end of a grace it hardly will. */
function isHopeless({ putEvents, gate, cannotBeOpened }: State): boolean {
  return putEvents === undefined ? cannotBeOpened : gate.isFailing() && !gate.hasWorked();
}

function conclude(
  self: State,
  batch: readonly PendingEvent[],
  failures: readonly (EntryFailure | undefined)[],
): void {
  batch.forEach((pending, index) => endSpan(pending, failures[index]));
  // Abandoned by the shutdown meanwhile: accounted for already.
  if (self.abandoned) {
    return;
  }
  const failed: FailedEvent[] = [];
  for (const [index, pending] of batch.entries()) {
    self.inFlight.delete(pending);
    const failure = failures[index];
    if (failure === undefined) {
      const { delivery, onEnd } = pending;
      self.observe({ kind: 'delivered', channel: 'eventbridge', delivery, ...noAnswer });
      onEnd(done);
    } else {
      failed.push({ pending, failure });
      self.observe({ kind: 'entry-failed', reason: failure.reason });
    }
  }
  if (failed.length > 0) {
    sendAgain(self, failed, batch.length, (delivery, delayMs) => hold(self, delivery, delayMs));
  }
}

/** What the span of an attempt ends with that the shutdown cuts off. */
const outOfTime = { reason: 'shutdown', retryable: true };

/** What only a webhook's delivery tells. */
const noAnswer = { url: undefined, statusCode: undefined };

async function hold(self: State, delivery: Delivery, delayMs: number): Promise<void> {
  self.concluding += 1;
  try {
    await self.custody.hold(delivery, delayMs, errorOf(delivery));
  } finally {
    self.concluding -= 1;
    tellIfOver(self);
  }
}

async function drain(self: State, withinMs: number): Promise<void> {
  self.isDraining = true;
  await runSteps([() => hurryRetries(self, withinMs), () => finish(self, withinMs)]);
}

/** Retries that would come too late get one more chance now. */
async function hurryRetries(self: State, withinMs: number): Promise<void> {
  const waiting = await self.queue.drain(self.drainsRetries ? withinMs : 0);
  await eachInSlices(waiting, (delivery) => begin(self, delivery, () => undefined));
}

/** Sends at once what waits; what has not arrived in time is accounted for. */
async function finish(self: State, withinMs: number): Promise<void> {
  self.gate.endPause();
  self.linger.end();
  pump(self);
  // With somewhere to send to, what cannot be hoped for has one chance more.
  if (!isIdle(self) && !(self.putEvents === undefined && isHopeless(self))) {
    const over = new Promise<void>((resolve) => (self.onOver = resolve));
    await within(self.machine, withinMs, over);
  }
  if (!isIdle(self)) {
    await abandon(self);
  }
  self.abandoned = true;
  self.gate.endPause();
}

async function abandon(self: State): Promise<void> {
  self.abandoned = true;
  const unfinished = [...self.inFlight, ...self.backlog.takeAll()];
  self.inFlight.clear();
  await leave(self, unfinished);
  await leave(self, (await self.queue.drain(0)).map(unawaited));
}

function leave({ custody }: State, events: readonly PendingEvent[]): Promise<void> {
  return eachInSlices(events, (pending) => {
    const { delivery, onEnd } = pending;
    endSpan(pending, outOfTime);
    onEnd(custody.leave(delivery, errorOf(delivery)));
  });
}

function isIdle(self: State): boolean {
  return (
    self.inFlight.size === 0 &&
    self.concluding === 0 &&
    self.backlog.size === 0 &&
    self.queue.heldHere() === 0
  );
}

function tellIfOver(self: State): void {
  if (isIdle(self) || isHopeless(self)) {
    self.onOver?.();
  }
}
