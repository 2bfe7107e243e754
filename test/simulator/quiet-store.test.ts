import { expect, test } from 'vitest';
import { createdEntry } from '../../src/simulator/journal/entry.ts';
import { noLimits } from '../../src/simulator/journal/journal.ts';
import { createQuietStore } from '../../src/simulator/journal/quiet-store.ts';
import { createMemoryJournalStore } from '../../src/state/memory/journal-store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { samplePayment } from '../support/sample-payment.ts';

/* What nobody looks for is left out while it comes too fast, and how much that was is told. */

function start() {
  const clock = createFakeClock();
  const store = createQuietStore(createMemoryJournalStore(clock, 33_554_432), clock);
  const entry = createdEntry(samplePayment(), 1);
  /** How many of so many are noted. */
  const note = (count: number, sessionId?: string) => {
    let noted = 0;
    for (let i = 0; i < count; i += 1) {
      if (store.wants(sessionId)) {
        store.append(entry);
        noted += 1;
      }
    }
    return noted;
  };
  const read = () => store.journal.read(1, () => true, noLimits);
  return { clock, store, note, read };
}

test('3,000 of a second, and all of a session', async () => {
  const { clock, note, read } = start();
  expect(note(10_000)).toBe(3_000);
  expect(note(500, 'a')).toBe(500);
  await clock.advance(1_000);
  expect(note(2_000)).toBe(2_000);
  expect(read()).toMatchObject({ leftOut: 7_000, skipped: 0 });
  expect(read().entries).toHaveLength(5_500);
});

test('all of it once somebody has looked, for a minute', async () => {
  const { clock, store, note, read } = start();
  expect(note(4_000)).toBe(3_000);
  await store.refresh();
  expect(read().leftOut).toBe(1_000);
  expect(note(5_000)).toBe(5_000);
  await clock.advance(59_999);
  expect(note(5_000)).toBe(5_000);
  await clock.advance(1_000);
  expect(note(5_000)).toBe(3_000);
});

test('all of it while somebody follows', async () => {
  const { clock, store, note } = start();
  const unfollow = store.follow();
  await clock.advance(600_000);
  expect(note(5_000)).toBe(5_000);
  unfollow();
  await clock.advance(60_000);
  expect(note(5_000)).toBe(3_000);
});
