import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { WebhookDelivery } from '../../src/delivery/delivery.ts';
import { HandedOverError } from '../../src/payment/errors.ts';
import { createHeldQueue } from '../support/held-queue.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import { startScriptedReceiver } from './scripted-receiver.ts';
import { givenUpLine, openConnector, openPool, startWebhookSender } from './start-webhook-sender.ts';

/* The sender with a queue that outlives the process: a settlement waits for what `accept` gives. */

function startShared(change: Parameters<typeof startWebhookSender>[0] = {}) {
  const queue = createHeldQueue<WebhookDelivery>();
  return { ...startWebhookSender({ queue, durable: true, maxSlowAttempts: 2, ...change }), queue };
}

/** Answers no request until it is told to. */
async function startSilentReceiver() {
  const responses: ServerResponse[] = [];
  const receiver = await startScriptedReceiver((response) => void responses.push(response));
  return {
    ...receiver,
    /** Answers all requests so far. */
    answerAll(): void {
      for (const response of responses.splice(0)) {
        response.end();
      }
    },
  };
}

test('what was delivered is over', async () => {
  const receiver = await startScriptedReceiver((response) => response.end());
  const { accept, queue } = startShared();
  await accept(`${receiver.origin}/`);
  expect(receiver.requests).toHaveLength(1);
  expect(queue.held).toEqual([]);
});

test('what failed is over when its retry is queued, and is tried again from there', async () => {
  const receiver = await startScriptedReceiver((response, nth) =>
    response.writeHead(nth === 0 ? 503 : 200).end(),
  );
  const { accept, queue } = startShared();
  await accept(`${receiver.origin}/`);
  expect(queue.held).toMatchObject([{ delivery: { attempts: 1 } }]);
  expect(queue.held[0]?.delayMs).toBeGreaterThan(0);
  await queue.attemptNext();
  expect(receiver.requests).toHaveLength(2);
  expect(queue.held).toEqual([]);
});

test('what an earlier run of the job has tried counts as the first attempt', async () => {
  const receiver = await startScriptedReceiver((response) => response.writeHead(503).end());
  const { accept, attemptLog, queue, clock, logs } = startShared({ maxAttempts: 2 });
  const startedAtMs = clock.now();
  const event = sampleEvent({ id: 'pay-1', eventId: 'evt-1', settledAtMs: startedAtMs });
  await attemptLog.record(event, {
    attempt: 1,
    startedAtMs,
    durationMs: 1,
    statusCode: 503,
    error: 'HTTP 503',
  });
  await clock.advance(10_000);
  await accept(`${receiver.origin}/`);
  expect(queue.held).toMatchObject([
    { delivery: { attempts: 1, firstAttemptAtMs: startedAtMs, lastAttemptAtMs: startedAtMs + 10_000 } },
  ]);
  await clock.advance(10_000);
  await queue.attemptNext();
  expect(logs(givenUpLine)).toMatchObject([
    { attempts: 2, first_attempt_at: new Date(startedAtMs).toISOString() },
  ]);
});

test('what failed and cannot be queued fails, and is not given up', async () => {
  const receiver = await startScriptedReceiver((response) => response.writeHead(503).end());
  const { accept, queue, logs } = startShared();
  queue.isBroken = true;
  await expect(accept(`${receiver.origin}/`)).rejects.toThrow('out of reach');
  expect(logs(givenUpLine)).toEqual([]);
});

test('what is refused for good is over, with a trace', async () => {
  const receiver = await startScriptedReceiver((response) => response.writeHead(410).end());
  const { accept, queue, logs } = startShared();
  await accept(`${receiver.origin}/`);
  expect(logs(givenUpLine)).toHaveLength(1);
  expect(queue.held).toEqual([]);
});

test('while receivers are slow only so many are attempted, and others wait in the queue', async () => {
  const receiver = await startSilentReceiver();
  const { accept, queue, clock, sender } = startShared();
  const slow = [accept(`${receiver.origin}/`, '1'), accept(`${receiver.origin}/`, '2')];
  const third = accept(`${receiver.origin}/`, '3');
  await expect.poll(() => receiver.requests.length).toBe(3); // not slow yet
  await clock.advance(1_001);
  await accept(`${receiver.origin}/`, '4');
  expect(queue.held).toMatchObject([{ delivery: { event: { id: 'evt-4' }, attempts: 0, waits: 1 } }]);
  const left = Promise.allSettled([...slow, third]);
  const drained = sender.drain(1);
  await clock.advance(2);
  await drained;
  receiver.answerAll();
  for (const result of await left) {
    expect(result).toMatchObject({ status: 'rejected', reason: expect.any(HandedOverError) as unknown });
  }
});

test('a slow receiver takes no room from another', async () => {
  const [slow, quick] = [
    await startSilentReceiver(),
    await startScriptedReceiver((response) => response.end()),
  ];
  const { accept, queue, clock } = startShared();
  const pending = [accept(`${slow.origin}/`, '1'), accept(`${slow.origin}/`, '2')];
  await expect.poll(() => slow.requests.length).toBe(2);
  await clock.advance(1_001);
  await accept(`${quick.origin}/`, '3');
  expect(quick.requests).toHaveLength(1);
  expect(queue.held).toEqual([]);
  slow.answerAll();
  for (const ended of pending) {
    await ended;
  }
});

test('nothing waits here for a connection to a slow receiver, whether it is new or comes from the queue', async () => {
  const receiver = await startSilentReceiver();
  const connections = openPool({ maxPerOrigin: 10, connect: openConnector() });
  const { accept, queue, clock } = startShared({ connections, maxSlowAttempts: 100 });
  const pending = Array.from({ length: 10 }, (_, i) => accept(`${receiver.origin}/`, `${i}`));
  await expect.poll(() => receiver.requests.length).toBe(10);
  await clock.advance(1_001);
  await accept(`${receiver.origin}/`, 'new');
  expect(queue.held).toMatchObject([{ delivery: { attempts: 0, waits: 1 } }]);
  await queue.attemptNext();
  expect(queue.held).toMatchObject([{ delivery: { attempts: 0, waits: 2 } }]);
  expect(connections.stats().waiting).toBe(0);
  receiver.answerAll();
  for (const ended of pending) {
    await ended;
  }
});

test('who gets no connection within half a second waits in the queue', async () => {
  const receiver = await startSilentReceiver();
  const connections = openPool({ maxPerOrigin: 1, connect: openConnector() });
  const { accept, queue, clock } = startShared({ connections, maxSlowAttempts: 10 });
  const first = accept(`${receiver.origin}/`, '1');
  await expect.poll(() => receiver.requests.length).toBe(1);
  const second = accept(`${receiver.origin}/`, '2');
  await clock.advance(500);
  await second;
  expect(queue.held).toMatchObject([{ delivery: { event: { id: 'evt-2' }, attempts: 0, waits: 1 } }]);
  receiver.answerAll();
  await first;
  // The place in the line that it left is not lost.
  const third = accept(`${receiver.origin}/`, '3');
  await expect.poll(() => receiver.requests.length).toBe(2);
  receiver.answerAll();
  await third;
});

test('who waits longer than all attempts would take is given up', async () => {
  const receiver = await startSilentReceiver();
  const connections = openPool({ maxPerOrigin: 1, connect: openConnector() });
  const { accept, queue, clock, logs } = startShared({ connections, maxAttempts: 1, timeoutMs: 10_000_000 });
  const first = accept(`${receiver.origin}/`, '1');
  await expect.poll(() => receiver.requests.length).toBe(1);
  const second = accept(`${receiver.origin}/`, '2');
  await clock.advance(1_000);
  await second;
  expect(queue.held).toHaveLength(1);
  await clock.advance(9_999_000);
  const third = queue.attemptNext();
  await clock.advance(1_000);
  await third;
  expect(queue.held).toEqual([]);
  expect(logs(givenUpLine)).toMatchObject([{ reason: 'exhausted', attempts: 0 }]);
  receiver.answerAll();
  await first;
});

test('what comes after the end is left to others', async () => {
  const { accept, sender, clock, logs } = startShared();
  const receiver = await startSilentReceiver();
  const pending = Promise.allSettled([accept(`${receiver.origin}/`, '1')]);
  await expect.poll(() => receiver.requests.length).toBe(1);
  const drained = sender.drain(0);
  await clock.advance(1);
  await drained;
  await expect(accept(`${receiver.origin}/`, '2')).rejects.toThrow(HandedOverError);
  receiver.answerAll();
  expect(await pending).toMatchObject([{ reason: expect.any(HandedOverError) as unknown }]);
  expect(logs(givenUpLine)).toEqual([]);
});
