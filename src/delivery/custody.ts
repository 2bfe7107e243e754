import type { MachineClock } from '../base/clock.ts';
import type { Observer } from '../base/observer.ts';
import { eachInSlices } from '../base/slices.ts';
import { HandedOverError } from '../payment/errors.ts';
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
  /** With durable state: how many slow first attempts may be under way. */
  readonly maxSlowAttempts: number;
  /** The address of a webhook. */
  readonly urlOf: (delivery: D) => string | undefined;
}

/** Takes what ends when a delivery is accounted for, and fails when this process leaves it to others. */
export type OnEnd = (ended: Promise<void>) => void;

/** What a channel does with its deliveries. */
export interface Sender<D extends Delivery> {
  /** Whether an attempt can be made in this process for now. */
  canSend(): boolean;
  /** Begins a delivery; calls `onEnd` once. */
  begin(delivery: D, onEnd: OnEnd): void;
  /** Lets a delivery wait that there is no room for. */
  waitForRoom(delivery: D): Promise<unknown>;
}

/**
 * Accounts for the deliveries of one channel: whatever is not delivered waits in the queue, is left to
 * another process, or becomes a dead letter. The one place that knows whether others take over.
 */
export interface Custody<D extends Delivery> {
  /** Longest wait for a connection, in milliseconds; undefined: as long as it takes. */
  readonly maxConnectionWaitMs: number | undefined;
  /**
   * Lets a new delivery begin. With durable state the event's job waits for its end, so when attempts are
   * slow no more than `maxSlowAttempts` of them are under way, and the rest goes through the queue; and
   * nothing waits in a process that cannot send at all.
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

/** With a first attempt that began longer ago than this, in milliseconds, attempts count as slow. */
const slowMs = 1_000;
/** How long a delivery that there was no room for waits in the queue, in milliseconds. */
export const overflowWaitMs = 1_000;

interface State<D extends Delivery> extends CustodyDeps<D> {
  /** First attempts under way, the oldest first, with when they began by the machine's monotonic time. */
  readonly firstAttempts: Map<D, number>;
}

/** See `Custody`. */
export function createCustody<D extends Delivery>(deps: CustodyDeps<D>): Custody<D> {
  const self: State<D> = { ...deps, firstAttempts: new Map() };
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
function durableCustody<D extends Delivery>(self: State<D>): ByDurability<D> {
  return {
    maxConnectionWaitMs: slowMs,
    first: (delivery, sender) => beginFirst(self, delivery, sender),
    again: (delivery, sender) =>
      sender.canSend() ? whenEnded(delivery, sender) : ignoreResult(sender.waitForRoom(delivery)),
    overflow: (delivery, _error, sender) => ignoreResult(sender.waitForRoom(delivery)),
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

async function ignoreResult(work: Promise<unknown>): Promise<void> {
  await work;
}

function begin<D extends Delivery>(delivery: D, sender: Sender<D>): undefined {
  sender.begin(delivery, ignore);
}

function whenEnded<D extends Delivery>(delivery: D, sender: Sender<D>): Promise<void> {
  return new Promise((resolve) => sender.begin(delivery, resolve));
}

async function beginFirst<D extends Delivery>(self: State<D>, delivery: D, sender: Sender<D>): Promise<void> {
  const { firstAttempts, machine } = self;
  if (!sender.canSend() || (firstAttempts.size >= self.maxSlowAttempts && areSlow(self))) {
    await sender.waitForRoom(delivery);
    return;
  }
  firstAttempts.set(delivery, machine.monotonic());
  try {
    await whenEnded(delivery, sender);
  } finally {
    firstAttempts.delete(delivery);
  }
}

function areSlow<D extends Delivery>({ firstAttempts, machine }: State<D>): boolean {
  const [oldestMs = Infinity] = firstAttempts.values();
  return machine.monotonic() - oldestMs > slowMs;
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
