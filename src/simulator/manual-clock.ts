import type { SimClock } from '../base/clock.ts';

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

interface ManualTimer {
  readonly dueAtMs: number;
  readonly fire: () => void;
}

interface State {
  nowMs: number;
  /** In the order in which they were set, which is that of those with the same time. */
  readonly timers: Set<ManualTimer>;
}

/** @param startMs milliseconds since the Unix epoch; the machine's time unless told otherwise. */
export function createManualClock(startMs = Date.now()): ManualClock {
  const self: State = { nowMs: startMs, timers: new Set() };
  return {
    now: () => self.nowMs,
    setTimer(delayMs, fire) {
      const timer = { dueAtMs: self.nowMs + delayMs, fire };
      self.timers.add(timer);
      return { cancel: () => void self.timers.delete(timer) };
    },
    advance: (byMs) => advance(self, byMs),
    timerCount: () => self.timers.size,
  };
}

async function advance(self: State, byMs: number): Promise<void> {
  if (!(Number.isSafeInteger(byMs) && byMs >= 0)) {
    throw new RangeError(`a clock moves by whole milliseconds and forward, not by ${byMs}`);
  }
  const untilMs = self.nowMs + byMs;
  await pendingWork();
  for (let timer = nextDue(self, untilMs); timer !== undefined; timer = nextDue(self, untilMs)) {
    self.timers.delete(timer);
    self.nowMs = Math.max(self.nowMs, timer.dueAtMs);
    timer.fire();
    await pendingWork();
  }
  self.nowMs = untilMs;
}

function nextDue({ timers }: State, untilMs: number): ManualTimer | undefined {
  let next: ManualTimer | undefined;
  for (const timer of timers) {
    if (timer.dueAtMs <= untilMs && (next === undefined || timer.dueAtMs < next.dueAtMs)) {
      next = timer;
    }
  }
  return next;
}

/** Lets promises settle, which may set timers. */
async function pendingWork(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
