import type { MachineClock } from '../../base/clock.ts';
import { pause } from '../../base/pause.ts';
import { SteeringError } from '../errors.ts';
import { cursorOf, readCursor } from './cursor.ts';
import type { ToldEntry } from './entry.ts';
import type { PlacedEntry } from './journal.ts';
import type { JournalStore } from './ports.ts';

/** What somebody wants to be told. */
export interface Watch {
  /** See `readCursor`. */
  readonly cursor: string;
  readonly fits: (entry: ToldEntry) => boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Breaks the connection off, as nothing else reaches somebody who does not read. */
  readonly drop: () => void;
}

/** The next entries. */
export interface WatchedEntries {
  readonly entries: readonly PlacedEntry[];
  /** Of the last entry that was looked at. */
  readonly cursor: string;
  /** How many before them are forgotten, or were left out; -1: nobody knows. */
  readonly skipped: number;
}

/** Lets people watch. */
export interface Watches {
  /**
   * What happens, as it happens: a first message at once, without entries.
   *
   * @throws PaymentError for a cursor that is none; SteeringError `too-many-watchers`, and `fell-behind`.
   */
  open(watch: Watch): AsyncGenerator<WatchedEntries, void, undefined>;
}

interface WatchesDeps {
  readonly store: JournalStore;
  readonly machine: MachineClock;
}

interface Self extends WatchesDeps {
  watchers: number;
}

const maxWatchers = 100;
/** Entries come in one message that are noted within this time of each other, in milliseconds. */
const lingerMs = 10;
/** Without entries a message goes out so often, in milliseconds, or proxies take the connection for dead. */
const quietMs = 15_000;
/**
 * Of one message. Looking at more would keep others waiting; larger ones are more than clients of gRPC take (4 MB),
 * and each that is not read yet takes memory.
 */
const limits = { entries: 500, looked: 5_000, bytes: 262_144 };

/** See `Watches`. */
export function createWatches(deps: WatchesDeps): Watches {
  const self: Self = { ...deps, watchers: 0 };
  return { open: (watch) => open(self, watch) };
}

async function* open(self: Self, watch: Watch): AsyncGenerator<WatchedEntries, void, undefined> {
  if (self.watchers >= maxWatchers) {
    throw new SteeringError({ kind: 'too-many-watchers', maxWatchers });
  }
  self.watchers += 1;
  const unfollow = self.store.follow();
  try {
    await self.store.refresh();
    yield* tell(self, watch);
  } finally {
    unfollow();
    self.watchers -= 1;
  }
}

async function* tell(
  { store, machine }: Self,
  { cursor, fits, signal, drop }: Watch,
): AsyncGenerator<WatchedEntries, void, undefined> {
  const { journal } = store;
  const place = readCursor(journal, cursor);
  const life = journal.life();
  let { next } = place;
  const reader = createReader(store, () => next, drop);
  try {
    yield* reader.send({
      entries: [],
      cursor: cursorOf(journal, next - 1),
      skipped: place.isOfAnother ? -1 : 0,
    });
    let isFirst = true;
    while (!signal.aborted) {
      const page = journal.read(next, fits, limits);
      if ((page.skipped > 0 && !isFirst) || journal.life() !== life) {
        throw new SteeringError({ kind: 'fell-behind', cursor: `${life}-${next - 1}` });
      }
      const skipped = page.skipped + page.leftOut;
      const isQuiet = page.entries.length === 0 && skipped === 0;
      const isAtEnd = page.next >= journal.next();
      next = page.next;
      if (!isQuiet) {
        yield* reader.send({ entries: page.entries, cursor: cursorOf(journal, next - 1), skipped });
      }
      isFirst = false;
      if (isAtEnd && !(await reader.news(machine, signal))) {
        yield* reader.send({ entries: [], cursor: cursorOf(journal, next - 1), skipped: 0 });
      }
    }
  } finally {
    reader.close();
  }
}

/** One who reads; is let go of when what it has not been sent is forgotten while it does not read. */
function createReader({ journal }: JournalStore, next: () => number, drop: () => void) {
  let isSending = false;
  let isDropped = false;
  let hasNews = false;
  let wake: (() => void) | undefined;
  const close = journal.onAppend(() => {
    hasNews = true;
    wake?.();
    if (isSending && !isDropped && next() < journal.oldest()) {
      isDropped = true;
      drop();
    }
  });
  return {
    close,
    *send(message: WatchedEntries) {
      isSending = true;
      yield message;
      isSending = false;
    },
    /** True once there are entries, false when there are none for a while, or nobody wants them any more. */
    async news(machine: MachineClock, signal: AbortSignal): Promise<boolean> {
      if (!hasNews) {
        await pause(machine, quietMs, signal, (end) => (wake = end));
      }
      wake = undefined;
      const came = hasNews;
      hasNews = false;
      if (came) {
        await pause(machine, lingerMs, signal);
      }
      return came || signal.aborted;
    },
  };
}
