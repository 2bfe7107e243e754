import type { MachineClock } from '../../base/clock.ts';
import { pause } from '../../base/pause.ts';
import { SteeringError } from '../errors.ts';
import type { ToldEntry } from './entry.ts';
import type { JournalStore } from './ports.ts';

/** What is waited for. */
export interface Condition<T> {
  /** How many fit, and the newest of them. */
  readonly find: () => Promise<Found<T>> | Found<T>;
  /** What fits but for one thing; asked once, when it was not met. */
  readonly nearMisses: () => Promise<readonly string[]> | readonly string[];
  /** Whether an entry may be of one more that fits. */
  readonly mayAdd: (entry: ToldEntry) => boolean;
}

/** What fits. */
export interface Found<T> {
  readonly count: number;
  /** The newest; not all of them. */
  readonly newest: readonly T[];
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
export interface Awaited<T> extends Found<T> {
  readonly isMet: boolean;
  /** Whether the time was over, or nothing that might have come would have changed the answer. */
  readonly isDecided: boolean;
  /** Empty when it is met. */
  readonly nearMisses: readonly string[];
}

/** Lets people wait. */
export interface Waits {
  /**
   * Waits until as many fit as are wanted, or the time is over.
   *
   * @throws SteeringError `too-many-wait`.
   */
  until<T>(condition: Condition<T>, wanted: Wanted): Promise<Awaited<T>>;
}

interface WaitsDeps {
  readonly store: JournalStore;
  readonly machine: MachineClock;
}

/** What comes within this time of each other is looked at together, in milliseconds. */
const lingerMs = 5;
const maxWaiting = 1_000;

/** See `Waits`. */
export function createWaits(deps: WaitsDeps): Waits {
  let waiting = 0;
  return {
    async until(condition, wanted) {
      if (waiting >= maxWaiting) {
        throw new SteeringError({ kind: 'too-many-wait', maxWaiting });
      }
      waiting += 1;
      try {
        return await awaitCondition(deps, condition, wanted);
      } finally {
        waiting -= 1;
      }
    },
  };
}

async function awaitCondition<T>(
  { store, machine }: WaitsDeps,
  condition: Condition<T>,
  wanted: Wanted,
): Promise<Awaited<T>> {
  const deadline = machine.monotonic() + wanted.timeoutMs;
  const news = createNews(store, condition.mayAdd);
  const unfollow = store.follow();
  try {
    await store.refresh();
    while (true) {
      news.forget();
      const found = await condition.find();
      const leftMs = deadline - machine.monotonic();
      const isDecided = leftMs <= 0 || isSettled(found.count, wanted);
      if (isDecided || wanted.signal.aborted) {
        const isMet = found.count >= wanted.min && found.count <= (wanted.max ?? Infinity);
        return { ...found, isMet, isDecided, nearMisses: isMet ? [] : await condition.nearMisses() };
      }
      await news.wait(machine, leftMs, wanted.signal);
    }
  } finally {
    unfollow();
    news.close();
  }
}

/** Whether nothing that may come changes the answer. */
function isSettled(count: number, { min, max }: Wanted): boolean {
  return max === undefined ? count >= min : count > max;
}

/** Tells when there is something new. */
function createNews({ journal }: JournalStore, mayAdd: (entry: ToldEntry) => boolean) {
  let hasNews = false;
  let wake: (() => void) | undefined;
  const close = journal.onAppend((entry) => {
    if (entry.kind !== 'reset' && entry.kind !== 'gap' && mayAdd(entry)) {
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
