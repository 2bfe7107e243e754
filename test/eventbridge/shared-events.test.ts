import { expect, onTestFinished, test } from 'vitest';
import type { UndeliveredEvent } from '../../src/delivery/dead-letter/dead-letter.ts';
import type { EventRetry } from '../../src/delivery/eventbridge/event-retry.ts';
import { createEventBridgeElsewhere } from '../../src/delivery/eventbridge/durable-retries.ts';
import type { EntryResult, PutEvents } from '../../src/delivery/eventbridge/entry.ts';
import { createEventBridgeSender } from '../../src/delivery/eventbridge/sender.ts';
import { toPaymentEvent } from '../../src/delivery/payload.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { LeftToOthersError } from '../../src/state/left-to-others-error.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createHeldQueue } from '../support/held-queue.ts';
import { sampleSettledPayment } from '../support/sample-payment.ts';

/* The sender with a queue that outlives the process: a settlement waits for what `accept` gives. */

const refusedForGood: EntryResult = { ErrorCode: 'MalformedDetail' };
const taken: EntryResult = {};
const failed: EntryResult = { ErrorCode: 'ThrottlingException' };

/** `answer` is asked for every entry of every call; an event goes at once. */
function startShared(answer?: (nth: number) => EntryResult | Promise<EntryResult>, maxSlow = 2) {
  const clock = createFakeClock();
  const queue = createHeldQueue<EventRetry>();
  const letters: UndeliveredEvent[] = [];
  const sender = createEventBridgeSender({
    clock,
    random: () => 0.5,
    logger: createLogger('silent', { write: () => undefined }),
    metrics: createMetrics(false),
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
    deadLetters: { record: (letter) => void letters.push(letter), drain: async () => undefined },
    elsewhere: createEventBridgeElsewhere(queue, clock, maxSlow),
  });
  queue.start((retry) => sender.resume(retry));
  let entries = 0;
  const putEvents: PutEvents = (batch) =>
    Promise.all(
      batch.map(async () => {
        entries += 1;
        return (await answer?.(entries - 1)) ?? taken;
      }),
    );
  sender.open(putEvents);
  onTestFinished(() => sender.drain(clock.now()));

  async function accept(mark = '1'): Promise<void> {
    const payment = sampleSettledPayment({ id: `pay-${mark}`, eventId: `evt-${mark}` });
    await sender.accept(toPaymentEvent(payment), payment);
  }

  /** Lets what waits for company leave, too. */
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
  expect(queue.held).toMatchObject([{ delivery: { event: { eventId: 'evt-1' }, attempts: 1, waits: 0 } }]);
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
  expect(letters.map(({ event, reason, attempts }) => [event.eventId, reason, attempts])).toEqual([
    ['evt-1', 'refused', 1],
    ['evt-2', 'exhausted', 3],
  ]);
});

test('before there is a way to AWS it waits in the queue', async () => {
  const { queue, clock, sender } = startShared();
  const closed = createEventBridgeElsewhere(queue, clock, 2);
  await closed.wait({
    event: toPaymentEvent(sampleSettledPayment()),
    settledAtMs: 1,
    attempts: 0,
    waits: 4,
    lastError: '',
  });
  expect(queue.held).toMatchObject([{ delivery: { attempts: 0, waits: 5 }, dueAtMs: clock.now() + 1_000 }]);
  expect(sender.backlog()).toEqual({ ready: 0, retrying: 0, in_flight: 0 });
});

test('while AWS is slow only so many wait for it, and others in the queue', async () => {
  const answer = Promise.withResolvers<EntryResult>();
  const { accept, queue, clock } = startShared(() => answer.promise);
  const slow = [accept('1'), accept('2'), accept('3')]; // not slow yet
  await clock.advance(1_001);
  await accept('4');
  expect(queue.held).toMatchObject([{ delivery: { event: { eventId: 'evt-4' }, attempts: 0, waits: 1 } }]);
  answer.resolve(taken);
  await clock.advance(1);
  await Promise.all(slow);
});

test('what is under way at the end is left to others', async () => {
  const answer = Promise.withResolvers<EntryResult>();
  const { accept, sender, clock, letters } = startShared(() => answer.promise);
  const pending = Promise.allSettled([accept()]);
  await clock.advance(1);
  const drained = sender.drain(clock.now() + 5);
  await clock.advance(5);
  await drained;
  expect(await pending).toMatchObject([{ reason: expect.any(LeftToOthersError) as unknown }]);
  await expect(accept('2')).rejects.toThrow(LeftToOthersError);
  answer.resolve(taken);
  expect(letters).toEqual([]);
});
