import type { MachineClock, SimClock, Timer } from '../../base/clock.ts';
import type { AttemptLog, LoggedAttempt } from '../../delivery/ports.ts';
import {
  type BudgetShare,
  bytesOfText,
  createBudgetShare,
  type MemoryBudget,
  unlimitedBudget,
} from './memory-budget.ts';

interface MemoryAttemptLogOptions {
  readonly clock: SimClock;
  readonly machine: MachineClock;
  /** Attempts leave this long after their event occurred, in milliseconds. */
  readonly ttlMs: number;
  /** At most this many events; beyond it the one that was noted first leaves. */
  readonly maxEvents: number;
  /** At most this many attempts at an event; beyond it the first leave. */
  readonly maxAttempts: number;
  /** What they take counts in here; beyond their share of it, too, events leave. */
  readonly budget?: MemoryBudget;
}

/** The newest attempt at an event, linked to the one before: most events have one and need no list. */
interface Entry {
  readonly attempt: LoggedAttempt;
  readonly occurredAtMs: number;
  before: Entry | undefined;
}

interface State extends MemoryAttemptLogOptions {
  readonly share: BudgetShare;
  /** By the event's id, in the order of first attempts, which is nearly that of the events. */
  readonly newest: Map<string, Entry>;
  sweepTimer: Timer | undefined;
}

/** An attempt with its place in the map, without the text of its error; in bytes. */
const noteBytes = 250;
/** Longest time that expired attempts may hold memory, in milliseconds. */
const maxSweepIntervalMs = 10_000;
/** So many events are forgotten at once; then the event loop has its turn. */
const forgottenPerLoop = 10_000;

/** Webhook attempts in this process's memory: gone when it ends. */
export function createMemoryAttemptLog(options: MemoryAttemptLogOptions): AttemptLog {
  const self: State = {
    ...options,
    share: createBudgetShare(options.budget ?? unlimitedBudget()),
    newest: new Map(),
    sweepTimer: undefined,
  };
  sweepLater(self);
  return {
    record(event, attempt) {
      const before = self.newest.get(event.id);
      if (before === undefined && self.newest.size >= self.maxEvents) {
        forgetFirst(self);
      }
      const entry = { attempt, occurredAtMs: event.occurredAtMs, before };
      self.newest.set(event.id, entry);
      self.share.count(bytesOf(entry));
      shorten(self, entry);
      while (self.share.isExceeded() && self.newest.size > 1) {
        forgetFirst(self);
      }
      return undefined;
    },
    list: async (_paymentId, eventId) => list(self, eventId),
    async close() {
      self.sweepTimer?.cancel();
      self.newest.clear();
    },
  };
}

function list(self: State, eventId: string): readonly LoggedAttempt[] {
  const attempts: LoggedAttempt[] = [];
  let entry = self.newest.get(eventId);
  if (entry !== undefined && isExpired(self, entry)) {
    return [];
  }
  for (; entry !== undefined; entry = entry.before) {
    attempts.push(entry.attempt);
  }
  return attempts.toReversed();
}

/** By the machine's time: expired attempts take memory whether or not the simulation's clock moves. */
function sweepLater(self: State, delayMs = Math.min(self.ttlMs, maxSweepIntervalMs)): void {
  self.sweepTimer = self.machine.setTimer(delayMs, () => {
    const isDone = forgetExpired(self);
    sweepLater(self, isDone ? undefined : 0);
  });
}

function isExpired(self: State, entry: Entry): boolean {
  return entry.occurredAtMs + self.ttlMs <= self.clock.now();
}

/** Whether none is left. */
function forgetExpired(self: State): boolean {
  let forgotten = 0;
  for (const [eventId, entry] of self.newest) {
    if (!isExpired(self, entry)) {
      return true;
    }
    if (forgotten === forgottenPerLoop) {
      return false;
    }
    forget(self, eventId);
    forgotten += 1;
  }
  return true;
}

function forgetFirst(self: State): void {
  const [first = ''] = self.newest.keys();
  forget(self, first);
}

function forget(self: State, eventId: string): void {
  for (let entry = self.newest.get(eventId); entry !== undefined; entry = entry.before) {
    self.share.count(-bytesOf(entry));
  }
  self.newest.delete(eventId);
}

function bytesOf({ attempt }: Entry): number {
  return noteBytes + bytesOfText(attempt.error ?? '');
}

/** Cuts the chain so that at most `maxAttempts` are left. */
function shorten(self: State, entry: Entry): void {
  let last = entry;
  for (let kept = 1; kept < self.maxAttempts && last.before !== undefined; kept += 1) {
    last = last.before;
  }
  for (let cut = last.before; cut !== undefined; cut = cut.before) {
    self.share.count(-bytesOf(cut));
  }
  last.before = undefined;
}
