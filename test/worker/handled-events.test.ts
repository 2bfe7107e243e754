import { expect, test } from 'vitest';
import { createHandledEvents } from '../../src/worker/handled-events.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const succeed = async () => true;
const fail = async () => false;

test('an event is handled once, and only success is remembered', async () => {
  const events = createHandledEvents({ monotonicMs: () => 0, ttlMs: 1_000, maxEvents: 10 });

  expect(await events.once('a', fail)).toBe('failed');
  await expect(events.once('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await events.once('a', succeed)).toBe('handled');
  expect(await events.once('a', fail)).toBe('duplicate');
});

test('copies that come while the first is being handled share its fate', async () => {
  const events = createHandledEvents({ monotonicMs: () => 0, ttlMs: 1_000, maxEvents: 10 });
  for (const success of [false, true]) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let calls = 0;
    const copies = Array.from({ length: 3 }, () =>
      events.once('a', () => {
        calls += 1;
        return promise;
      }),
    );
    resolve(success);
    expect(await Promise.all(copies)).toEqual(
      success ? ['handled', 'duplicate', 'duplicate'] : ['failed', 'failed', 'failed'],
    );
    expect(calls).toBe(1);
  }
});

test('the memory fades with time and with number', async () => {
  const clock = createFakeClock();
  const events = createHandledEvents({ monotonicMs: () => clock.now(), ttlMs: 1_000, maxEvents: 2 });

  await events.once('a', succeed);
  await clock.advance(999);
  expect(await events.once('a', succeed)).toBe('duplicate');
  await clock.advance(1);
  expect(await events.once('a', succeed)).toBe('handled');

  await events.once('b', succeed);
  await events.once('c', succeed);
  expect(events.size()).toBe(2);
  expect(await events.once('c', succeed)).toBe('duplicate');
  expect(await events.once('a', succeed)).toBe('handled');

  await clock.advance(1_000);
  await events.once('d', succeed);
  expect(events.size()).toBe(1);
});
