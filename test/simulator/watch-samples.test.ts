import { expect, test } from 'vitest';
import { createdEntry } from '../../src/simulator/journal/entry.ts';
import { createWatches } from '../../src/simulator/journal/watch.ts';
import { createMemoryJournalStore } from '../../src/state/memory/journal-store.ts';
import { createFakeClock, settlePromises } from '../support/fake-clock.ts';
import { samplePayment } from '../support/sample-payment.ts';

/* Samples of what happens, by a clock that stands still until it is moved. */

function start(maxPerSecond: number, tag = '') {
  const clock = createFakeClock();
  const store = createMemoryJournalStore(clock, 67_108_864);
  const texts = { source: '', userAgent: '', ipAddress: '', sessionId: '', scenario: '' };
  const metadata = { ...texts, tags: { tag } };
  let [noted, told] = [0, 0];
  const watched = createWatches({ store, machine: clock }).open({
    cursor: '',
    fits: ({ paymentId }) => paymentId !== 'other',
    maxPerSecond,
    signal: new AbortController().signal,
    drop: () => undefined,
  });
  return {
    clock,
    note: (count: number, ofOther = false) => {
      for (let i = 0; i < count; i += 1) {
        const id = ofOther ? 'other' : `pay-${(noted += 1)}`;
        store.append(createdEntry(samplePayment({ id, extras: { metadata } }), 1));
      }
    },
    /** The next message: its payments, how many were left out, and its cursor. */
    next: async () => {
      const { value } = await watched.next();
      told += 1;
      return value === undefined
        ? undefined
        : {
            ids: value.entries.map(({ entry }) => entry.paymentId),
            sampledOut: value.sampledOut,
            skipped: value.skipped,
            position: Number(value.cursor.split('-')[1]),
          };
    },
    told: () => told,
  };
}

test('the last ones of each second by the clock of the machine; the cursor is behind all of them', async () => {
  const { clock, note, next, told } = start(3);
  expect(await next()).toMatchObject({ ids: [], sampledOut: 0, position: 0 });
  note(10);
  note(2, true);
  expect(await next()).toEqual({
    ids: ['pay-8', 'pay-9', 'pay-10'],
    sampledOut: 7,
    skipped: 0,
    position: 12,
  });
  const second = next();
  note(12_000);
  await clock.advance(999);
  await settlePromises();
  expect(told()).toBe(2);
  await clock.advance(100);
  expect(await second).toEqual({
    ids: ['pay-12008', 'pay-12009', 'pay-12010'],
    sampledOut: 11_997,
    skipped: 0,
    position: 12_012,
  });
  const third = next();
  await clock.advance(1_000);
  note(2);
  await clock.advance(100);
  expect(await third).toMatchObject({ ids: ['pay-12011', 'pay-12012'], sampledOut: 0 });
});

test('fewer when they are large, but one in any case', async () => {
  const large = start(500, 'a'.repeat(10_000));
  await large.next();
  large.note(600);
  const { ids = [], sampledOut } = (await large.next()) ?? {};
  expect([ids.length, sampledOut, ids.at(-1)]).toEqual([50, 550, 'pay-600']);
  const huge = start(500, 'a'.repeat(600_000));
  await huge.next();
  huge.note(3);
  expect(await huge.next()).toMatchObject({ ids: ['pay-3'], sampledOut: 2 });
});
