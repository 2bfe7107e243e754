import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createManualClock } from '../../src/simulator/manual-clock.ts';
import { createDueTimes } from '../../src/state/memory/due-times.ts';

/** What `onDue` was called with in each turn of the event loop, until as many as `count` have been. */
async function callsPerTurn(calls: readonly unknown[], count: number): Promise<readonly number[]> {
  const perTurn: number[] = [];
  for (let before = calls.length; calls.length < count;) {
    await nextTurn();
    perTurn.push(calls.length - before);
    before = calls.length;
  }
  return perTurn;
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, item) => item);
}

describe('many that are due together', () => {
  test('in one millisecond: the event loop has its turn after each thousand, and their order stays', async () => {
    const calls: number[] = [];
    const due = createDueTimes<number>(systemClock, (item) => void calls.push(item));
    const dueAtMs = systemClock.now() + 5;
    const items = upTo(200_000);
    items.forEach((item) => due.add(item, dueAtMs));
    const perTurn = await callsPerTurn(calls, items.length);
    expect(perTurn.filter((count) => count > 0)).toEqual(upTo(200).map(() => 1_000));
    expect(calls).toEqual(items);
    expect(due.size()).toBe(0);
  });

  test('in many milliseconds that have passed already: no more in a turn, the earliest first', async () => {
    const calls: number[] = [];
    const due = createDueTimes<number>(systemClock, (item) => void calls.push(item));
    const passedMs = systemClock.now() - 1_000;
    const items = upTo(20_000);
    items.forEach((item) => due.add(item, passedMs + Math.floor(item / 300)));
    const perTurn = await callsPerTurn(calls, items.length);
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(1_000);
    expect(calls).toEqual(items);
  });

  test('a clock that is moved by hand moves on when all have been called', async () => {
    const clock = createManualClock(0);
    const calls: (readonly [item: string, atMs: number])[] = [];
    const due = createDueTimes<string>(clock, (item) => void calls.push([item, clock.now()]));
    upTo(2_500).forEach(() => due.add('first', 10));
    due.add('second', 11);
    await clock.advance(20);
    expect(calls).toEqual([...upTo(2_500).map(() => ['first', 10]), ['second', 11]]);
    expect(clock.timerCount()).toBe(0);
  });
});

/** 2,500 that are due at 10, of which the first thousand have been called, and one due later. */
async function halfWay() {
  const clock = createManualClock(0);
  const calls: number[] = [];
  const due = createDueTimes<number>(clock, (item) => void calls.push(item));
  upTo(2_500).forEach((item) => due.add(item, 10));
  due.add(9_999, 50);
  const arrived = Promise.withResolvers<void>();
  // Set after theirs, for the same time: it fires between the first thousand and the second.
  clock.setTimer(10, () => arrived.resolve(nextTurn()));
  const advanced = clock.advance(10);
  await arrived.promise;
  expect(calls).toHaveLength(1_000);
  return { clock, calls, due, advanced };
}

describe('while many that are due are called', () => {
  test('those to come count, and can be taken out one by one', async () => {
    const { calls, due, advanced } = await halfWay();
    expect(due.size()).toBe(1_501);
    expect(due.remove(0, 10)).toBe(false);
    expect(due.remove(2_000, 10)).toBe(true);
    expect(due.takeOldest()).toBe(1_000);
    expect(due.size()).toBe(1_499);
    await advanced;
    expect(calls).toHaveLength(2_498);
    expect(calls).not.toContain(2_000);
    expect(calls).not.toContain(1_000);
    expect(due.size()).toBe(1);
  });

  test('those that come are called after them', async () => {
    const { calls, due, advanced } = await halfWay();
    due.add(5_000, 10);
    due.add(6_000, 9);
    await advanced;
    expect(calls).toHaveLength(2_502);
    expect(calls.indexOf(5_000)).toBeGreaterThan(calls.indexOf(2_499));
    expect(calls.at(-1)).toBe(6_000);
  });

  test('all can be taken out, the earliest first, and leave no timer', async () => {
    const { clock, calls, due, advanced } = await halfWay();
    expect([...due.takeAfter(10)]).toEqual([9_999]);
    const taken = [...due.takeAfter(-Infinity)];
    expect(taken).toEqual(upTo(2_500).slice(1_000));
    expect([due.size(), clock.timerCount(), due.takeOldest()]).toEqual([0, 0, undefined]);
    await advanced;
    expect(calls).toHaveLength(1_000);
    due.add(1, 20);
    await clock.advance(10);
    expect(calls.at(-1)).toBe(1);
  });
});
