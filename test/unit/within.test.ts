import { expect, test } from 'vitest';
import { within } from '../../src/base/within.ts';
import { createFakeClock } from '../support/fake-clock.ts';

test('work that ends in time leaves no timer', async () => {
  const clock = createFakeClock();
  const work = Promise.withResolvers<string>();
  const inTime = within(clock, 1_000, work.promise);
  await clock.advance(999);
  work.resolve('done');
  expect(await inTime).toBe(true);
  expect(clock.timerCount()).toBe(0);
});

test('work that is late is not waited for, and may fail unheard', async () => {
  const clock = createFakeClock();
  const work = Promise.withResolvers<string>();
  const inTime = within(clock, 1_000, work.promise);
  await clock.advance(1_000);
  expect(await inTime).toBe(false);
  expect(clock.timerCount()).toBe(0);
  work.reject(new Error('too late'));
});

test('it rejects as the work does', async () => {
  const clock = createFakeClock();
  await expect(within(clock, 1_000, Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(clock.timerCount()).toBe(0);
});
