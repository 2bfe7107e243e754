import type { SimClock, Timer } from '../base/clock.ts';
import { createHeap, type Heap } from '../base/heap.ts';

/** A clock of the simulation that stands still until it is moved, and only forward. */
export interface ManualClock extends SimClock {
  /**
   * Moves time on by `byMs` (0 or more) and lets everything happen that falls due on the way, in its order
   * and at its time. Resolves when the callbacks of all timers have been called; what they have begun (a
   * webhook that is on its way) may go on.
   *
   * @throws RangeError for a negative or fractional number.
   */
  advance(byMs: number): Promise<void>;
  /** How many timers are set. */
  timerCount(): number;
}

/** The same, in steps. */
export interface SteppedClock extends ManualClock {
  /** When the next timer is due; undefined without any. */
  nextDueMs(): number | undefined;
  /** Moves time on to that of the next timer, and calls it. */
  step(): void;
  /** Moves time on without calling anything: nothing may be due before. */
  moveTo(nowMs: number): void;
  /** From now on time goes by `clock`, but not back; what waits is due by it. */
  follow(clock: SimClock): void;
}

interface ManualTimer {
  readonly dueAtMs: number;
  /** Of those with the same time the one that was set first fires first. */
  readonly order: number;
  readonly fire: () => void;
  isOver: boolean;
  /** That of the clock which it goes by since. */
  followed: Timer | undefined;
}

interface State {
  nowMs: number;
  /** Cancelled ones included. */
  readonly timers: Heap<ManualTimer>;
  count: number;
  order: number;
  followed: SimClock | undefined;
}

/** @param startMs milliseconds since the Unix epoch; the machine's time unless told otherwise. */
export function createManualClock(startMs = Date.now()): ManualClock {
  return createSteppedClock(startMs);
}

/** @param startMs milliseconds since the Unix epoch. */
export function createSteppedClock(startMs: number): SteppedClock {
  const self: State = {
    nowMs: startMs,
    timers: createHeap((a, b) => a.dueAtMs < b.dueAtMs || (a.dueAtMs === b.dueAtMs && a.order < b.order)),
    count: 0,
    order: 0,
    followed: undefined,
  };
  return {
    now: () => now(self),
    setTimer: (delayMs, fire) => setTimer(self, delayMs, fire),
    advance: (byMs) => advance(self, byMs),
    timerCount: () => self.count,
    nextDueMs: () => next(self)?.dueAtMs,
    step: () => step(self),
    moveTo: (nowMs) => void (self.nowMs = Math.max(self.nowMs, nowMs)),
    follow: (clock) => follow(self, clock),
  };
}

function now({ nowMs, followed }: State): number {
  return followed === undefined ? nowMs : Math.max(nowMs, followed.now());
}

function setTimer(self: State, delayMs: number, fire: () => void): Timer {
  if (self.followed !== undefined) {
    return self.followed.setTimer(delayMs, fire);
  }
  self.order += 1;
  const timer: ManualTimer = {
    dueAtMs: self.nowMs + delayMs,
    order: self.order,
    fire,
    isOver: false,
    followed: undefined,
  };
  self.timers.push(timer);
  self.count += 1;
  return { cancel: () => cancel(self, timer) };
}

function cancel(self: State, timer: ManualTimer): void {
  timer.followed?.cancel();
  if (!timer.isOver) {
    timer.isOver = true;
    self.count -= 1;
  }
}

async function advance(self: State, byMs: number): Promise<void> {
  if (!(Number.isSafeInteger(byMs) && byMs >= 0)) {
    throw new RangeError(`a clock moves by whole milliseconds and forward, not by ${byMs}`);
  }
  const untilMs = self.nowMs + byMs;
  await pendingWork();
  for (let timer = next(self); timer !== undefined && timer.dueAtMs <= untilMs; timer = next(self)) {
    step(self);
    await pendingWork();
  }
  self.nowMs = untilMs;
}

/** The next timer that was not cancelled. */
function next({ timers }: State): ManualTimer | undefined {
  while (timers.peek()?.isOver === true) {
    timers.pop();
  }
  return timers.peek();
}

function step(self: State): void {
  const timer = next(self);
  if (timer !== undefined) {
    self.timers.pop();
    cancel(self, timer);
    self.nowMs = Math.max(self.nowMs, timer.dueAtMs);
    timer.fire();
  }
}

function follow(self: State, clock: SimClock): void {
  self.followed = clock;
  for (let timer = next(self); timer !== undefined; timer = next(self)) {
    self.timers.pop();
    const { dueAtMs, fire } = timer;
    const fireOnce = () => {
      self.count -= 1;
      fire();
    };
    timer.followed = clock.setTimer(Math.min(maxTimerMs, Math.max(0, dueAtMs - clock.now())), fireOnce);
  }
}

/** Longest delay of a timer; see `SimClock`. */
const maxTimerMs = 2_147_483_647;

/** Lets promises settle, which may set timers. */
async function pendingWork(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
