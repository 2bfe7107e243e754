import { expect, test } from 'vitest';
import { createAttemptSlots } from '../../src/delivery/attempt-slots.ts';
import { newDelivery, type WebhookDelivery } from '../../src/delivery/delivery.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { sampleEvent } from '../support/sample-payment.ts';

function to(url: string): WebhookDelivery {
  return { ...newDelivery(sampleEvent()), url };
}

/** Origins are `a`, `b` …, of four connections each; three slow deliveries of each source at the same time. */
function startSlots() {
  const clock = createFakeClock();
  const slots = createAttemptSlots<WebhookDelivery>({
    machine: clock,
    originOf: ({ url }) => url,
    connectionsPerOrigin: 4,
    maxSlow: { event: 3, queue: 3 },
  });
  return { clock, slots };
}

test('a quick origin has as many as come', () => {
  const { slots } = startSlots();
  const taken = Array.from({ length: 100 }, () => slots.take('event', to('a')));
  expect(taken.every(Boolean)).toBe(true);
});

test('a slow one has no more than it has connections, of both sources together', async () => {
  const { clock, slots } = startSlots();
  slots.take('event', to('a'));
  await clock.advance(1_001);
  const taken = (['event', 'queue', 'event', 'queue', 'event'] as const).map((source) =>
    slots.take(source, to('a')),
  );
  expect(taken).toEqual([true, true, true, false, false]);
});

test('all slow ones together have so many, and leave the quick ones alone', async () => {
  const { clock, slots } = startSlots();
  const slow = ['a', 'b', 'c', 'd'].map(to);
  const taken = slow.map((delivery) => slots.take('event', delivery));
  expect(taken).toEqual([true, true, true, true]); // not slow yet
  await clock.advance(1_001);
  expect(slots.take('event', to('a'))).toBe(false);
  expect(slots.take('queue', to('a'))).toBe(true);
  expect(slots.take('event', to('e'))).toBe(true);
});

test('an origin is slow until a quick delivery ends there', async () => {
  const { clock, slots } = startSlots();
  const slow = Array.from({ length: 4 }, () => to('a'));
  slow.forEach((delivery) => slots.take('event', delivery));
  await clock.advance(6_000);
  slow.forEach((delivery) => slots.release('event', delivery));
  const next = Array.from({ length: 4 }, () => to('a'));
  expect(next.map((delivery) => slots.take('event', delivery))).toEqual([true, true, true, false]);
  await clock.advance(10);
  next.slice(0, 3).forEach((delivery) => slots.release('event', delivery));
  const taken = Array.from({ length: 10 }, () => slots.take('event', to('a')));
  expect(taken.every(Boolean)).toBe(true);
});

test('those sent to the queue come back one by one, at the pace of their origin', async () => {
  const { clock, slots } = startSlots();
  slots.take('event', to('a'));
  await clock.advance(4_000);
  // Four connections of 4 s each: one a second.
  expect([1, 2, 3].map(() => slots.lineUp(to('a')))).toEqual([1_000, 2_000, 3_000]);
  await clock.advance(2_500);
  expect(slots.lineUp(to('a'))).toBe(500 + 6_500 / 4);
  expect(slots.lineUp(to('b'))).toBe(1_000);
  const waits = Array.from({ length: 100 }, () => slots.lineUp(to('a')));
  expect(Math.max(...waits)).toBe(30_000);
});
