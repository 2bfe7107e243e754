import type { MachineClock } from '../../base/clock.ts';
import { pause } from '../../base/pause.ts';
import { SteeringError } from '../errors.ts';
import { cursorOf, readCursor } from './cursor.ts';
import { bytesOfEntry } from './entry-bytes.ts';
import type { ToldEntry } from './entry.ts';
import type { JournalPage, PlacedEntry } from './journal.ts';
import type { JournalStore, ReadableJournal } from './ports.ts';

/** What somebody wants to be told. */
export interface Watch {
  /** See `readCursor`. */
  readonly cursor: string;
  readonly fits: (entry: ToldEntry) => boolean;
  /** Of those that fit at most so many a second, the last ones; undefined: all. */
  readonly maxPerSecond?: number | undefined;
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
  /** How many that fit were left out because of `maxPerSecond`. */
  readonly sampledOut: number;
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
/** Of a sample there is one message in this time at most, in milliseconds. */
const sampleMs = 1_000;
/** What its entries take at most; the last one in any case. Larger messages are more than clients of gRPC take. */
const sampleBytes = 1_048_576;
const nothing = { entries: [], skipped: 0, sampledOut: 0 } as const;

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
  { cursor, fits, maxPerSecond, signal, drop }: Watch,
): AsyncGenerator<WatchedEntries, void, undefined> {
  const { journal } = store;
  const isSampled = maxPerSecond !== undefined;
  const place = readCursor(journal, cursor);
  const life = journal.life();
  let { next } = place;
  const reader = createReader(store, () => next, drop);
  try {
    const skippedBefore = place.isOfAnother ? -1 : 0;
    yield* reader.send({ ...nothing, cursor: cursorOf(journal, next - 1), skipped: skippedBefore });
    let isFirst = true;
    while (!signal.aborted) {
      const page = isSampled ? readLast(journal, next, fits, maxPerSecond) : readOn(journal, next, fits);
      // Who wants a sample has lost nothing that he would have had.
      if ((page.skipped > 0 && !isFirst && !isSampled) || journal.life() !== life) {
        throw new SteeringError({ kind: 'fell-behind', cursor: `${life}-${next - 1}` });
      }
      const { entries, sampledOut } = page;
      const skipped = page.skipped + page.leftOut;
      const isQuiet = entries.length === 0 && skipped === 0;
      const isAtEnd = page.next >= journal.next();
      next = page.next;
      if (!isQuiet) {
        yield* reader.send({ entries, cursor: cursorOf(journal, next - 1), skipped, sampledOut });
        await (isSampled ? pause(machine, sampleMs, signal) : undefined);
      }
      isFirst = false;
      if (isAtEnd && !(await reader.news(machine, signal))) {
        yield* reader.send({ ...nothing, cursor: cursorOf(journal, next - 1) });
      }
    }
  } finally {
    reader.close();
  }
}

/** The next entries that fit. */
function readOn(
  journal: ReadableJournal,
  from: number,
  fits: (entry: ToldEntry) => boolean,
): JournalPage & { readonly sampledOut: number } {
  return { ...journal.read(from, fits, limits), sampledOut: 0 };
}

/** All that there are to the end, and of those that fit the last `count`, or what of these is not too large. */
function readLast(
  journal: ReadableJournal,
  from: number,
  fits: (entry: ToldEntry) => boolean,
  count: number,
): JournalPage & { readonly sampledOut: number } {
  let page = readOn(journal, from, fits);
  while (page.next < journal.next()) {
    const more = journal.read(page.next, fits, limits);
    page = {
      entries: [...page.entries, ...more.entries],
      next: more.next,
      skipped: page.skipped + more.skipped,
      leftOut: page.leftOut + more.leftOut,
      sampledOut: page.sampledOut,
    };
    page = cutToLast(page, count);
  }
  return cutToLast(page, count);
}

function cutToLast<Page extends { readonly entries: readonly PlacedEntry[]; readonly sampledOut: number }>(
  page: Page,
  count: number,
): Page {
  let tooMany = page.entries.length;
  let bytes = 0;
  for (const { entry } of page.entries.slice(-count).toReversed()) {
    bytes += bytesOfEntry(entry);
    if (bytes > sampleBytes && tooMany < page.entries.length) {
      break;
    }
    tooMany -= 1;
  }
  return { ...page, entries: page.entries.slice(tooMany), sampledOut: page.sampledOut + tooMany };
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
