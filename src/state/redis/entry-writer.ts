import type { MachineClock } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { JournalEntry } from '../../simulator/journal/entry.ts';
import { encodeEntry } from './journal-records.ts';
import { createLimitedLog } from './limited-log.ts';
import { createLoopBatch } from './loop-batch.ts';

/** Writes entries in the order in which they come. Waits for nothing, and never throws. */
export interface EntryWriter {
  append(entry: JournalEntry): void;
  /** Ends when all so far are written, or cannot be. */
  written(): Promise<void>;
}

interface EntryWriterDeps {
  readonly clock: MachineClock;
  readonly logger: Logger;
  readonly write: (values: readonly string[]) => Promise<unknown>;
}

/** So many go together. */
const perWrite = 128;
/** So many wait at most while Redis is slow or away; beyond it they are lost: the journal is for looking at. */
const maxWaiting = 10_000;

/** See `EntryWriter`. */
export function createEntryWriter({ clock, logger, write }: EntryWriterDeps): EntryWriter {
  const tellLoss = createLimitedLog<unknown>(clock, (error, entries) =>
    logger.warn({ entries, err: error }, 'Entries of the journal were lost'),
  );
  const writing = new Set<Promise<void>>();
  // One write at a time keeps the order.
  const push = createLoopBatch<JournalEntry, void>({
    maxSize: perWrite,
    maxInFlight: 1,
    async run(_shard, entries) {
      try {
        await write(entries.map(encodeEntry));
      } catch (error) {
        tellLoss(error, entries.length);
      }
      return entries.map(() => undefined);
    },
  });
  return {
    append(entry) {
      if (writing.size >= maxWaiting) {
        tellLoss(new Error(`${maxWaiting} wait for Redis already`), 1);
        return;
      }
      const written = push(0, entry).finally(() => writing.delete(written));
      writing.add(written);
    },
    written: async () => void (await Promise.all(writing)),
  };
}
