import { expect, onTestFinished, test } from 'vitest';
import { createCustody } from '../../src/delivery/custody.ts';
import type { DeadLetter } from '../../src/delivery/dead-letter.ts';
import type { Delivery } from '../../src/delivery/delivery.ts';
import type { EntryResult, PutEvents } from '../../src/delivery/eventbridge/entry.ts';
import { createEventBridgeSender } from '../../src/delivery/eventbridge/sender.ts';
import { HandedOverError } from '../../src/payment/errors.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createHeldQueue } from '../support/held-queue.ts';
import { sampleEvent } from '../support/sample-payment.ts';

/* The sender with a queue that outlives the process: a settlement waits for what `accept` gives. */

const refusedForGood: EntryResult = { ErrorCode: 'MalformedDetail' };
const taken: EntryResult = {};
const failed: EntryResult = { ErrorCode: 'ThrottlingException' };

/** `answer` is asked for every entry of every call; an event goes at once. */
function startShared(answer?: (nth: number) => EntryResult | Promise<EntryResult>, isOpen = true) {
  const clock = createFakeClock();
  const queue = createHeldQueue<Delivery>();
  const letters: DeadLetter[] = [];
  const parts = { machine: clock, random: () => 0.5, observe: () => undefined };
  const custody = createCustody<Delivery>({
    ...parts,
    channel: 'eventbridge',
    durable: true,
    maxSlowAttempts: 2,
    queue,
    deadLetterQueue: { send: (letter) => void letters.push(letter), drain: async () => undefined },
    urlOf: () => undefined,
    origins: undefined,
  });
  const sender = createEventBridgeSender({
    ...parts,
    queue,
    custody,
    drainsRetries: true,
    config: {
      mode: 'on',
      busName: 'bus',
      source: 'source',
      batchWaitMs: 0,
      maxInFlight: 4,
      timeoutMs: 1_000,
      retry: { maxAttempts: 3, baseMs: 100, maxMs: 1_000 },
      maxBacklog: 100,
    },
  });
  sender.start();
  let entries = 0;
  const putEvents: PutEvents = (batch) =>
    Promise.all(
      batch.map(async () => {
        entries += 1;
        return (await answer?.(entries - 1)) ?? taken;
      }),
    );
  if (isOpen) {
    sender.open(putEvents);
  }
  onTestFinished(() => sender.drain(0));

  async function accept(mark = '1'): Promise<void> {
    await sender.accept(sampleEvent({ id: `pay-${mark}`, eventId: `evt-${mark}` }));
  }

  /** Lets what lingers leave, too. */
  async function settle<T>(work: Promise<T>): Promise<T> {
    const [result] = await Promise.all([work, clock.advance(1)]);
    return result;
  }
  return { sender, queue, letters, clock, accept, settle };
}

test('what AWS took is over', async () => {
  const { accept, settle, queue } = startShared();
  await settle(accept());
  expect(queue.held).toEqual([]);
});

test('what failed is over when its retry is queued, and is tried again from there', async () => {
  const { accept, settle, queue, clock } = startShared((nth) => (nth === 0 ? failed : taken));
  await settle(accept());
  expect(queue.held).toMatchObject([{ delivery: { event: { id: 'evt-1' }, attempts: 1, waits: 0 } }]);
  await clock.advance(10_000);
  await settle(queue.attemptNext());
  expect(queue.held).toEqual([]);
});

test('what failed and cannot be queued fails, and is not given up', async () => {
  const { accept, settle, queue, letters } = startShared(() => failed);
  queue.isBroken = true;
  await expect(settle(accept())).rejects.toThrow('out of reach');
  expect(letters).toEqual([]);
});

test('what is out of attempts or refused for good is over, with a trace', async () => {
  const { accept, settle, queue, letters, clock } = startShared((nth) =>
    nth === 0 ? refusedForGood : failed,
  );
  await settle(accept('1'));
  await settle(accept('2'));
  for (let attempt = 2; attempt <= 3; attempt += 1) {
    await clock.advance(10_000);
    await settle(queue.attemptNext());
  }
  expect(queue.held).toEqual([]);
  expect(letters.map(({ delivery, reason }) => [delivery.event.id, reason, delivery.attempts])).toEqual([
    ['evt-1', 'refused', 1],
    ['evt-2', 'exhausted', 3],
  ]);
});

test('before there is a way to AWS it waits in the queue, again and again', async () => {
  const { queue, sender, accept } = startShared(undefined, false);
  await accept();
  expect(queue.held).toMatchObject([{ delivery: { attempts: 0, waits: 1 }, delayMs: 1_000 }]);
  await queue.attemptNext();
  expect(queue.held).toMatchObject([{ delivery: { attempts: 0, waits: 2 }, delayMs: 1_000 }]);
  expect(sender.backlog()).toEqual({ ready: 0, retrying: 0, in_flight: 0 });
});

test('while AWS is slow only so many wait for it, and others in the queue', async () => {
  const answer = Promise.withResolvers<EntryResult>();
  const { accept, queue, clock } = startShared(() => answer.promise);
  const slow = [accept('1'), accept('2'), accept('3')]; // not slow yet
  await clock.advance(1_001);
  await accept('4');
  expect(queue.held).toMatchObject([{ delivery: { event: { id: 'evt-4' }, attempts: 0, waits: 1 } }]);
  answer.resolve(taken);
  await clock.advance(1);
  await Promise.all(slow);
});

test('what is under way at the end is left to others', async () => {
  const answer = Promise.withResolvers<EntryResult>();
  const { accept, sender, clock, letters } = startShared(() => answer.promise);
  const pending = Promise.allSettled([accept()]);
  await clock.advance(1);
  const drained = sender.drain(5);
  await clock.advance(5);
  await drained;
  expect(await pending).toMatchObject([{ reason: expect.any(HandedOverError) as unknown }]);
  await expect(accept('2')).rejects.toThrow(HandedOverError);
  answer.resolve(taken);
  expect(letters).toEqual([]);
});
