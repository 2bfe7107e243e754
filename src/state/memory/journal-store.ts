import type { MachineClock } from '../../base/clock.ts';
import { createJournal } from '../../simulator/journal/journal.ts';
import { journalBytesOf } from '../heap-share.ts';
import type { JournalStore } from '../../simulator/journal/ports.ts';

/** The journal in this process's memory: gone when it ends. */
export function createMemoryJournalStore(machine: Pick<MachineClock, 'now'>, maxBytes: number): JournalStore {
  const journal = createJournal(journalBytesOf(maxBytes), machine.now());
  return {
    journal,
    append: (entry) => journal.append(entry),
    refresh: () => undefined,
    follow: () => () => undefined,
    written: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
