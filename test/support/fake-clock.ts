import type { Clock } from '../../src/base/clock.ts';

interface FakeTimer {
  readonly dueAtMs: number;
  readonly fire: () => void;
}

/** A clock that stands still until it is moved. */
export interface FakeClock extends Clock {
  /** Moves time on, firing every timer when its time has come and letting promises settle between. */
  advance(byMs: number): Promise<void>;
  /** How many timers are set. */
  timerCount(): number;
}

export function createFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs;
  const timers = new Set<FakeTimer>();

  function nextDue(untilMs: number): FakeTimer | undefined {
    let next: FakeTimer | undefined;
    for (const timer of timers) {
      if (timer.dueAtMs <= untilMs && (next === undefined || timer.dueAtMs < next.dueAtMs)) {
        next = timer;
      }
    }
    return next;
  }

  return {
    now: () => nowMs,
    setTimer(delayMs, fire) {
      const timer = { dueAtMs: nowMs + delayMs, fire };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    async advance(byMs) {
      const untilMs = nowMs + byMs;
      await settlePromises();
      for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.dueAtMs);
        timer.fire();
        await settlePromises();
      }
      nowMs = untilMs;
    },
    timerCount: () => timers.size,
  };
}

/** Lets everything run that is ready to run. */
export async function settlePromises(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
