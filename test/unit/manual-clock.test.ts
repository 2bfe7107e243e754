import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createManualClock } from '../../src/index.ts';

test('it stands still until it is moved, and then fires what is due in its order and at its time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 1_000 }), { maxLength: 30 }),
      fc.array(fc.nat({ max: 400 }), { maxLength: 6 }),
      async (delays, moves) => {
        const clock = createManualClock(5_000);
        const fired: { readonly delayMs: number; readonly atMs: number }[] = [];
        for (const delayMs of delays) {
          clock.setTimer(delayMs, () => fired.push({ delayMs, atMs: clock.now() }));
        }
        for (const byMs of moves) {
          await clock.advance(byMs);
        }
        const movedMs = moves.reduce((sum, byMs) => sum + byMs, 0);
        expect(clock.now()).toBe(5_000 + movedMs);
        const due = moves.length === 0 ? [] : delays.filter((delayMs) => delayMs <= movedMs);
        expect(fired.map(({ delayMs }) => delayMs)).toEqual(due.toSorted((a, b) => a - b));
        expect(fired.every(({ delayMs, atMs }) => atMs === 5_000 + delayMs)).toBe(true);
        expect(clock.timerCount()).toBe(delays.length - due.length);
      },
    ),
    { numRuns: 50 },
  );
});

test('what a timer sets is part of the way, and what is cancelled is not', async () => {
  const clock = createManualClock(0);
  const fired: number[] = [];
  const tick = () => {
    fired.push(clock.now());
    clock.setTimer(10, tick);
  };
  clock.setTimer(10, tick);
  clock.setTimer(15, () => fired.push(-1)).cancel();
  await clock.advance(35);
  expect(fired).toEqual([10, 20, 30]);
});

test('it moves forward, by whole milliseconds', async () => {
  const clock = createManualClock(0);
  for (const byMs of [-1, 0.5, Number.NaN, Infinity]) {
    await expect(clock.advance(byMs)).rejects.toThrow('a clock moves by whole milliseconds and forward');
  }
  expect(clock.now()).toBe(0);
});
