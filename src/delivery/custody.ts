import type { MachineClock } from '../base/clock.ts';
import type { Observer } from '../base/observer.ts';
import { eachInSlices } from '../base/slices.ts';
import { HandedOverError } from '../payment/errors.ts';
import { type AttemptSlots, createAttemptSlots, type Source } from './attempt-slots.ts';
import type { ChannelName, DeadLetterQueue, DeadLetterReason } from './dead-letter.ts';
import type { Delivery } from './delivery.ts';
import type { DeliveryReport } from './observer.ts';
import type { DeliveryQueue } from './ports.ts';

interface CustodyDeps<D extends Delivery> {
  readonly channel: ChannelName;
  /**
   * Whether deliveries outlive the process: what it has no time or no room for is left to others then, and
   * is a dead letter otherwise.
   */
  readonly durable: boolean;
  readonly queue: DeliveryQueue<D>;
  readonly deadLetterQueue: DeadLetterQueue | undefined;
  readonly machine: MachineClock;
  readonly observe: Observer<DeliveryReport>;
  /** With durable state: how many slow attempts of new events may be under way. */
  readonly maxSlowAttempts: number;
  /** The address of a webhook. */
  readonly urlOf: (delivery: D) => string | undefined;
  /** Undefined for a channel that has one receiver only. */
  readonly origins: CustodyOrigins<D> | undefined;
}

/** Receivers that must not hold up each other. */
interface CustodyOrigins<D extends Delivery> {
  /** Scheme, host and port of the receiver. */
  readonly originOf: (delivery: D) => string;
  /** Connections to each at most. */
  readonly connectionsPerOrigin: number;
}

/** Takes what ends when a delivery is accounted for, and fails when this process leaves it to others. */
export type OnEnd = (ended: Promise<void>) => void;

/** What a channel does with its deliveries. */
export interface Sender<D extends Delivery> {
  /** Whether an attempt can be made in this process for now. */
  canSend(): boolean;
  /** Begins a delivery; calls `onEnd` once. */
  begin(delivery: D, onEnd: OnEnd): void;
  /** Lets a delivery wait in the queue that there is no room for, for so long. */
  waitForRoom(delivery: D, delayMs: number): Promise<unknown>;
}

/**
 * Accounts for the deliveries of one channel: whatever is not delivered waits in the queue, is left to
 * another process, or becomes a dead letter. The one place that knows whether others take over.
 */
export interface Custody<D extends Delivery> {
  /** Longest wait for a connection, in milliseconds; undefined: as long as it takes. */
  readonly maxConnectionWaitMs: number | undefined;
  /**
   * Lets a new delivery begin. With durable state a job waits for its end, so what a slow receiver has no
   * room for goes through the queue (see `AttemptSlots`), and nothing waits in a process that cannot send.
   *
   * @returns as `DeliveryChannel.accept`.
   */
  first(delivery: D, sender: Sender<D>): Promise<void> | undefined;
  /** As `first`, for a delivery that has waited in the queue. */
  again(delivery: D, sender: Sender<D>): Promise<void> | undefined;
  /** Puts a delivery into the queue; what that does not take is given up. True when it waits there. */
  hold(delivery: D, delayMs: number, error: string): Promise<boolean>;
  /** For a delivery that there is no room for: it waits where others may take it, or is given up. */
  overflow(delivery: D, error: string, sender: Sender<D>): Promise<void>;
  /**
   * For a delivery that this process has no time for.
   *
   * @throws HandedOverError when another one takes it over.
   */
  leave(delivery: D, error?: string): Promise<void>;
  /**
   * For a delivery that `abandon` has accounted for meanwhile.
   *
   * @throws HandedOverError when another process takes it over.
   */
  checkAbandoned(): void;
  /** Accounts for all that this process leaves at its end; resolves when that is done. */
  abandon(deliveries: readonly D[]): Promise<void>;
  giveUp(delivery: D, reason: DeadLetterReason, error: string): void;
}

/** With durable state a job is held meanwhile. */
const maxConnectionWaitMs = 500;
/** How long a delivery waits in the queue that this process cannot send, in milliseconds. */
const cannotSendWaitMs = 1_000;

type State<D extends Delivery> = CustodyDeps<D>;

/** See `Custody`. */
export function createCustody<D extends Delivery>(deps: CustodyDeps<D>): Custody<D> {
  const self: State<D> = deps;
  const shared = {
    hold: (delivery: D, delayMs: number, error: string) => hold(self, delivery, delayMs, error),
    giveUp: (delivery: D, reason: DeadLetterReason, error: string) => giveUp(self, delivery, reason, error),
  };
  return deps.durable ? { ...shared, ...durableCustody(self) } : { ...shared, ...localCustody(self) };
}

type ByDurability<D extends Delivery> = Omit<Custody<D>, 'hold' | 'giveUp'>;

/** Nobody else would do it: what is not done here is a dead letter, and nobody waits for promises. */
function localCustody<D extends Delivery>(self: State<D>): ByDurability<D> {
  const leave = (delivery: D, error: string) => giveUp(self, delivery, 'shutdown', error);
  return {
    maxConnectionWaitMs: undefined,
    first: (delivery, sender) => begin(delivery, sender),
    again: (delivery, sender) => begin(delivery, sender),
    overflow: async (delivery, error) => giveUp(self, delivery, 'overflow', error),
    leave: async (delivery, error = outOfTime) => leave(delivery, error),
    checkAbandoned: () => undefined,
    abandon: (deliveries) => eachInSlices(deliveries, (delivery) => leave(delivery, outOfTime)),
  };
}

/** Others go on with what is left in the queue or in the job of the event. */
function durableCustody<D extends Delivery>({
  machine,
  origins,
  maxSlowAttempts,
}: State<D>): ByDurability<D> {
  const slots = createAttemptSlots<D>({
    machine,
    originOf: origins?.originOf ?? (() => ''),
    connectionsPerOrigin: origins?.connectionsPerOrigin ?? Infinity,
    // In its own queue a single receiver holds up nobody else.
    maxSlow: { event: maxSlowAttempts, queue: origins === undefined ? Infinity : maxSlowAttempts },
  });
  return {
    maxConnectionWaitMs,
    first: (delivery, sender) => beginInSlot(slots, 'event', delivery, sender),
    again: (delivery, sender) => beginInSlot(slots, 'queue', delivery, sender),
    overflow: (delivery, _error, sender) => lineUp(slots, delivery, sender),
    async leave() {
      throw new HandedOverError();
    },
    checkAbandoned() {
      throw new HandedOverError();
    },
    abandon: async () => undefined,
  };
}

const outOfTime = 'out of time';

function ignore(): void {}

function begin<D extends Delivery>(delivery: D, sender: Sender<D>): undefined {
  sender.begin(delivery, ignore);
}

function whenEnded<D extends Delivery>(delivery: D, sender: Sender<D>): Promise<void> {
  return new Promise((resolve) => sender.begin(delivery, resolve));
}

async function beginInSlot<D extends Delivery>(
  slots: AttemptSlots<D>,
  source: Source,
  delivery: D,
  sender: Sender<D>,
): Promise<void> {
  if (!sender.canSend()) {
    await sender.waitForRoom(delivery, cannotSendWaitMs);
  } else if (slots.take(source, delivery)) {
    try {
      await whenEnded(delivery, sender);
    } finally {
      slots.release(source, delivery);
    }
  } else {
    await lineUp(slots, delivery, sender);
  }
}

async function lineUp<D extends Delivery>(
  slots: AttemptSlots<D>,
  delivery: D,
  sender: Sender<D>,
): Promise<void> {
  await sender.waitForRoom(delivery, slots.lineUp(delivery));
}

async function hold<D extends Delivery>(
  self: State<D>,
  delivery: D,
  delayMs: number,
  error: string,
): Promise<boolean> {
  const outcome = await addToQueue(self, delivery, delayMs);
  if (outcome !== 'held') {
    giveUp(self, delivery, reasons[outcome], error);
  }
  return outcome === 'held';
}

/** Why a delivery is given up that the queue did not take. */
const reasons = { refused: 'shutdown', full: 'overflow', failed: 'queue_failed' } as const;

async function addToQueue<D extends Delivery>(self: State<D>, delivery: D, delayMs: number) {
  try {
    return await self.queue.add(delivery, delayMs);
  } catch (error) {
    self.observe({ kind: 'queue-failed', channel: self.channel, delivery, error });
    if (self.durable) {
      throw error;
    }
    return 'failed';
  }
}

function giveUp<D extends Delivery>(
  self: State<D>,
  delivery: D,
  reason: DeadLetterReason,
  error: string,
): void {
  const letter = { channel: self.channel, delivery, url: self.urlOf(delivery), reason, error };
  self.observe({ kind: 'given-up', letter });
  self.deadLetterQueue?.send(letter);
}
