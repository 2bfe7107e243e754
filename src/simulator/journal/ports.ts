import type { Journal } from './journal.ts';
import type { JournalEntry } from './entry.ts';

/** A journal that can be read. */
export type ReadableJournal = Omit<Journal, 'append' | 'skip' | 'restart'>;

/**
 * Keeps the journal of all who share it. Noting an entry waits for nothing, and disturbs nothing when it fails:
 * the journal is for looking at.
 */
export interface JournalStore {
  /** As far as this process has it: see `refresh` and `follow`. */
  readonly journal: ReadableJournal;
  /** Notes an entry. */
  readonly append: (entry: JournalEntry) => void;
  /** Ends when the journal has all that was noted by anybody before; undefined when it has. */
  refresh(): Promise<void> | undefined;
  /** Keeps the journal up to date until what is returned is called. */
  follow(): () => void;
  /** Ends when what was noted is kept, or cannot be. */
  written(): Promise<void>;
  close(): Promise<void>;
}
