import { setImmediate as nextLoop } from 'node:timers/promises';
import type { MachineClock } from '../../base/clock.ts';
import { Fifo } from '../../base/fifo.ts';

/** How payments settle before they are due. */
interface PacedSettling {
  readonly machine: MachineClock;
  /** By the machine's monotonic time, in milliseconds: by then all have settled, with or without room. */
  readonly deadline: number;
  /** Where the event of a payment goes: scheme, host and port; undefined when there is no webhook. */
  readonly originOf: (paymentId: string) => string | undefined;
  /** Whether the ways out have room for another event to there. */
  readonly hasRoom: (origin: string | undefined) => boolean;
  /** How many are still to come, at most. */
  readonly toCome: () => number;
  /** Must not throw. */
  readonly settle: (paymentId: string) => void;
}

interface State extends PacedSettling {
  /** Those whose origin had no room, by origin. */
  readonly waiting: Map<string | undefined, Fifo<string>>;
  waitingCount: number;
  /** How many have settled, and how long that took in all, in milliseconds. */
  settled: number;
  spentMs: number;
  /** Whether there is no time to wait for room. */
  isLate: boolean;
}

/** So many payments at once; then the event loop has its turn. */
const perSlice = 100;
/** How often to look whether there is room, in milliseconds. */
const roomPollMs = 20;
/** The rest is given so many times as long as it would take at the pace so far: dead letters take longer. */
const reserveFactor = 3;

/**
 * Settles payments as fast as the ways out take their events: what is more than they have room for would be
 * dead letters. An origin without room keeps no other waiting. In time before the deadline the rest settles
 * all the same.
 */
export async function settlePaced(paymentIds: Iterable<string>, options: PacedSettling): Promise<void> {
  const self: State = {
    ...options,
    waiting: new Map(),
    waitingCount: 0,
    settled: 0,
    spentMs: 0,
    isLate: false,
  };
  const source = paymentIds[Symbol.iterator]();
  while (inSlice(self, () => takeSlice(self, source))) {
    await nextLoop();
  }
  while (self.waitingCount > 0) {
    if (!(await settleWaiting(self))) {
      await new Promise<void>((resolve) => void self.machine.setTimer(roomPollMs, resolve));
    }
  }
}

/** Runs one slice and notes how long it took. */
function inSlice(self: State, run: () => boolean): boolean {
  const startedAt = self.machine.monotonic();
  const left = self.toCome() + self.waitingCount;
  const restMs = (left * self.spentMs) / Math.max(1, self.settled);
  self.isLate = startedAt + reserveFactor * restMs >= self.deadline;
  const result = run();
  self.spentMs += self.machine.monotonic() - startedAt;
  return result;
}

/** False when there are no more. */
function takeSlice(self: State, source: Iterator<string>): boolean {
  for (let taken = 0; taken < perSlice; taken += 1) {
    const next = source.next();
    if (next.done === true) {
      return false;
    }
    settleOrWait(self, next.value);
  }
  return true;
}

function settleOrWait(self: State, paymentId: string): void {
  const origin = self.originOf(paymentId);
  const before = self.waiting.get(origin);
  if (self.isLate || (before === undefined && self.hasRoom(origin))) {
    settle(self, paymentId);
    return;
  }
  const waiting = before ?? new Fifo<string>();
  waiting.push(paymentId);
  self.waiting.set(origin, waiting);
  self.waitingCount += 1;
}

/** One slice for each origin; whether any had room. */
async function settleWaiting(self: State): Promise<boolean> {
  const settledBefore = self.settled;
  for (const [origin, waiting] of self.waiting) {
    inSlice(self, () => settleSlice(self, origin, waiting));
    await nextLoop();
  }
  return self.settled > settledBefore;
}

function settleSlice(self: State, origin: string | undefined, waiting: Fifo<string>): boolean {
  for (let taken = 0; taken < perSlice && (self.isLate || self.hasRoom(origin)); taken += 1) {
    const paymentId = waiting.shift();
    if (paymentId === undefined) {
      return self.waiting.delete(origin);
    }
    self.waitingCount -= 1;
    settle(self, paymentId);
  }
  return true;
}

function settle(self: State, paymentId: string): void {
  self.settled += 1;
  self.settle(paymentId);
}
