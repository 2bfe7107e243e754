import type { MachineClock } from '../../base/clock.ts';
import { pause } from '../../base/pause.ts';
import type { ToldEntry } from './entry.ts';
import { type Criterion, describeNearMisses } from './near-misses.ts';
import type { JournalStore } from './ports.ts';

/** What is waited for. */
export interface Condition<T> {
  /** All that may fit, the newest first. */
  readonly candidates: () => Promise<readonly T[]> | readonly T[];
  readonly criteria: readonly Criterion<T>[];
  /** Whether an entry may change what fits. */
  readonly isAbout: (entry: ToldEntry) => boolean;
}

/** How many are wanted, and how long to wait. */
export interface Wanted {
  readonly min: number;
  /** Undefined: any number. */
  readonly max: number | undefined;
  /** By the machine's clock, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** What there was. */
export interface Awaited<T> {
  readonly isMet: boolean;
  readonly fitting: readonly T[];
  /** Empty when it is met. */
  readonly nearMisses: readonly string[];
}

interface AwaitDeps {
  readonly store: JournalStore;
  readonly machine: MachineClock;
}

/** What comes within this time of each other is looked at together, in milliseconds. */
const lingerMs = 5;

/** Waits until as many fit as are wanted, or the time is over. */
export async function awaitCondition<T>(
  { store, machine }: AwaitDeps,
  condition: Condition<T>,
  wanted: Wanted,
): Promise<Awaited<T>> {
  const deadline = machine.monotonic() + wanted.timeoutMs;
  const news = createNews(store, condition.isAbout);
  const unfollow = store.follow();
  try {
    await store.refresh();
    while (true) {
      news.forget();
      const candidates = await condition.candidates();
      const fitting = candidates.filter((each) => condition.criteria.every(({ fits }) => fits(each)));
      const leftMs = deadline - machine.monotonic();
      const isOver = leftMs <= 0 || wanted.signal.aborted;
      if (isOver || isDecided(fitting.length, wanted)) {
        const isMet = fitting.length >= wanted.min && fitting.length <= (wanted.max ?? Infinity);
        const nearMisses = isMet ? [] : describeNearMisses(candidates, condition.criteria);
        return { isMet, fitting, nearMisses };
      }
      await news.wait(machine, leftMs, wanted.signal);
    }
  } finally {
    unfollow();
    news.close();
  }
}

/** Whether nothing that may come changes the answer. */
function isDecided(count: number, { min, max }: Wanted): boolean {
  return max === undefined ? count >= min : count > max;
}

/** Tells when there is something new. */
function createNews({ journal }: JournalStore, isAbout: (entry: ToldEntry) => boolean) {
  let hasNews = false;
  let wake: (() => void) | undefined;
  const close = journal.onAppend((entry) => {
    if (entry.kind === 'reset' || isAbout(entry)) {
      hasNews = true;
      wake?.();
    }
  });
  return {
    close,
    forget: () => void (hasNews = false),
    /** Ends a little after the first news, and after `withinMs` at the latest. */
    async wait(machine: MachineClock, withinMs: number, signal: AbortSignal): Promise<void> {
      if (!hasNews) {
        await pause(machine, withinMs, signal, (end) => (wake = end));
        wake = undefined;
      }
      await pause(machine, Math.min(lingerMs, withinMs), signal);
    },
  };
}
