import type { Clock, Timer } from '../../base/clock.ts';
import type { AttemptLog, LoggedAttempt } from '../ports.ts';

/** How long and how much to remember. */
export interface MemoryAttemptLogOptions {
  readonly clock: Clock;
  /** Attempts leave this long after the settlement of their payment, in milliseconds. */
  readonly ttlMs: number;
  /** At most this many payments; beyond it the one that was noted first leaves. */
  readonly maxPayments: number;
  /** At most this many attempts of a payment; beyond it the first leave. */
  readonly maxAttempts: number;
}

/** The newest attempt of a payment, linked to the one before: most payments have one and need no list. */
interface Entry {
  readonly attempt: LoggedAttempt;
  readonly settledAtMs: number;
  before: Entry | undefined;
}

/** Longest time that expired attempts may hold memory, in milliseconds. */
const maxSweepIntervalMs = 10_000;

/** Webhook attempts in this process's memory: gone when it ends. */
export function createMemoryAttemptLog(options: MemoryAttemptLogOptions): AttemptLog {
  const { clock, ttlMs } = options;
  /** In the order of first attempts, which is nearly that of settlements. */
  const newest = new Map<string, Entry>();
  let sweepTimer: Timer = setSweepTimer();

  function setSweepTimer(): Timer {
    return clock.setTimer(Math.min(ttlMs, maxSweepIntervalMs), () => {
      forgetExpired();
      sweepTimer = setSweepTimer();
    });
  }

  function isExpired(entry: Entry): boolean {
    return entry.settledAtMs + ttlMs <= clock.now();
  }

  function forgetExpired(): void {
    for (const [paymentId, entry] of newest) {
      if (!isExpired(entry)) {
        return;
      }
      newest.delete(paymentId);
    }
  }

  function forgetFirst(): void {
    const [first] = newest.keys();
    if (first !== undefined) {
      newest.delete(first);
    }
  }

  /** Cuts the chain so that at most `maxAttempts` are left. */
  function shorten(entry: Entry): void {
    let last = entry;
    for (let kept = 1; kept < options.maxAttempts && last.before !== undefined; kept += 1) {
      last = last.before;
    }
    last.before = undefined;
  }

  return {
    async record(paymentId, settledAtMs, attempt) {
      const before = newest.get(paymentId);
      if (before === undefined && newest.size >= options.maxPayments) {
        forgetFirst();
      }
      const entry = { attempt, settledAtMs, before };
      shorten(entry);
      newest.set(paymentId, entry);
    },

    async list(paymentId) {
      const attempts: LoggedAttempt[] = [];
      let entry = newest.get(paymentId);
      if (entry !== undefined && isExpired(entry)) {
        return [];
      }
      for (; entry !== undefined; entry = entry.before) {
        attempts.push(entry.attempt);
      }
      return attempts.toReversed();
    },

    async close() {
      sweepTimer.cancel();
      newest.clear();
    },
  };
}
