import { describe, expect, test } from 'vitest';
import { newDelivery, type WebhookDelivery } from '../../src/delivery/delivery.ts';
import type { DeliveryQueue } from '../../src/delivery/ports.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import type { PortHarness, PortTraits } from './harness.ts';

/** What the suite asks for: an empty queue of its own per test. */
export type DeliveryQueueFactory = (options: {
  readonly maxWaiting: number;
  readonly maxWaitingPerOrigin: number;
}) => Promise<PortHarness<DeliveryQueue<WebhookDelivery>>>;

const roomy = { maxWaiting: 1_000, maxWaitingPerOrigin: 1_000 };

const delayMs = 300;

function delivery(mark: string, attempts = 1): WebhookDelivery {
  const url = `http://127.0.0.1/${mark}?a=b`;
  const { id, type, sequence, occurredAtMs, destination, payment } = sampleEvent({
    id: `pay-${mark}`,
    eventId: `evt-${mark}`,
    settledAtMs: 1_767_225_600_000,
    webhookUrl: url,
  });
  const { reservationId, userId, status, money, trace, transactionId, failureCode } = payment;
  // What a queue outside of the process keeps of the payment.
  const told = { id: payment.id, reservationId, userId, status, money, trace, transactionId, failureCode };
  const event = {
    id,
    type,
    sequence,
    occurredAtMs,
    destination,
    payment: told,
    sessionId: undefined,
    delivery: undefined,
    refund: undefined,
  };
  return { ...newDelivery(event), url, attempts, firstAttemptAtMs: 1_767_225_600_001, lastError: 'full' };
}

/** A started queue whose attempts are kept. */
async function startRecording(open: DeliveryQueueFactory, options = roomy) {
  const harness = await open(options);
  const attempts: { readonly delivery: WebhookDelivery; readonly atMs: number }[] = [];
  harness.port.start(async (attempted) => {
    attempts.push({ delivery: attempted, atMs: harness.now() });
  });
  const attempted = () => attempts.map((attempt) => attempt.delivery);
  return { ...harness, queue: harness.port, attempts, attempted };
}

/** What every DeliveryQueue does. */
export function describeDeliveryQueue(name: string, open: DeliveryQueueFactory, traits: PortTraits): void {
  describe(`DeliveryQueue contract: ${name}`, () => {
    test('attempts each delivery once, as it was given, when it is due and not before', async () => {
      const { queue, attempts, attempted, now, passTime } = await startRecording(open);
      const dueAtMs = now() + delayMs;
      expect(await queue.add(delivery('late', 7), 2 * delayMs)).toBe('held');
      expect(await queue.add(delivery('early'), delayMs)).toBe('held');
      expect(await queue.size()).toBe(2);
      await passTime(delayMs);
      await expect.poll(attempted).toContainEqual(delivery('early'));
      await passTime(delayMs);
      await expect.poll(attempted).toContainEqual(delivery('late', 7));
      await passTime(delayMs);
      expect(attempts).toHaveLength(2);
      // On a busy machine both may be overdue before one is attempted; none may be before its time.
      const atMsOf = (mark: string, before?: number) =>
        attempts.find(({ delivery: one }) => one.url === delivery(mark, before).url)?.atMs;
      expect(atMsOf('early')).toBeGreaterThanOrEqual(dueAtMs);
      expect(atMsOf('late', 7)).toBeGreaterThanOrEqual(dueAtMs + delayMs);
      await expect.poll(() => queue.size()).toBe(0);
      expect(queue.heldHere()).toBe(0);
    });

    test('what is overdue is attempted at once', async () => {
      const { queue, attempted, passTime } = await startRecording(open);
      await queue.add(delivery('overdue'), -60_000);
      await passTime(1);
      await expect.poll(attempted).toEqual([delivery('overdue')]);
    });

    test('what is hurried is attempted at once, and once', async () => {
      const { queue, attempted, passTime } = await startRecording(open);
      for (const mark of ['a', 'b', 'c']) {
        await queue.add(delivery(mark), 3_600_000);
      }
      queue.hurry();
      await expect.poll(() => attempted().length).toBe(3);
      await queue.add(delivery('later'), delayMs);
      await passTime(delayMs);
      await expect.poll(attempted).toContainEqual(delivery('later'));
      expect(attempted()).toHaveLength(4);
    });

    test('the same event for two addresses is two deliveries', async () => {
      const { queue, attempted, passTime } = await startRecording(open);
      await queue.add({ ...delivery('a'), url: 'http://127.0.0.1/1' }, 1);
      await queue.add({ ...delivery('a'), url: 'http://127.0.0.1/2' }, 1);
      await passTime(1);
      await expect.poll(attempted).toHaveLength(2);
    });

    test('a delivery may be added again from its own attempt', async () => {
      const harness = await open(roomy);
      const attempts: number[] = [];
      harness.port.start(async (attempted) => {
        attempts.push(attempted.attempts);
        if (attempted.attempts < 3) {
          await harness.port.add({ ...attempted, attempts: attempted.attempts + 1 }, 1);
        }
      });
      await harness.port.add(delivery('a', 1), 1);
      await harness.passTime(10);
      await expect.poll(() => attempts).toEqual([1, 2, 3]);
    });

    test.runIf(traits.isBounded)(
      'has room for so many in all and so many per origin, and for new ones when old ones leave',
      async () => {
        const limits = { maxWaiting: 3, maxWaitingPerOrigin: 2 };
        const { queue, attempted, passTime } = await startRecording(open, limits);
        const to = (origin: string) => queue.add({ ...delivery('a'), url: `${origin}/a` }, delayMs);
        expect(await to('http://127.0.0.1:1')).toBe('held');
        expect(await to('http://127.0.0.1:1')).toBe('held');
        expect(await to('http://127.0.0.1:1')).toBe('full');
        expect(await to('http://127.0.0.1:2')).toBe('held');
        expect(await to('http://127.0.0.1:3')).toBe('full');
        await passTime(delayMs);
        await expect.poll(() => attempted().length).toBe(3);
        expect(await to('http://127.0.0.1:1')).toBe('held');
        expect(await to('http://127.0.0.1:1')).toBe('held');
        await queue.drain(0);
      },
    );

    test('drain hands back what is due too late, unless another process will attempt it', async () => {
      const { queue, attempted, passTime, outlivesProcess } = await startRecording(open);
      await queue.add(delivery('before'), delayMs);
      await queue.add(delivery('after'), delayMs + 1_000);
      expect(await queue.drain(delayMs)).toEqual(outlivesProcess ? [] : [delivery('after')]);
      expect(queue.heldHere()).toBe(outlivesProcess ? 0 : 1);
      expect(await queue.size()).toBe(outlivesProcess ? 2 : 1);
      await passTime(delayMs + 1_000);
      expect(attempted()).toEqual(outlivesProcess ? [] : [delivery('before')]);
    });

    test('while draining it holds what is due in time and refuses the rest', async () => {
      const { queue, attempted, passTime, outlivesProcess } = await startRecording(open);
      expect(await queue.drain(delayMs)).toEqual([]);
      expect(await queue.add(delivery('before'), delayMs)).toBe('held');
      expect(await queue.add(delivery('after'), delayMs + 1)).toBe(outlivesProcess ? 'held' : 'refused');
      await passTime(2 * delayMs);
      expect(attempted()).toEqual(outlivesProcess ? [] : [delivery('before')]);
    });

    test('a second drain with a shorter time hands back what the first had kept', async () => {
      const { queue, attempted, passTime, outlivesProcess } = await startRecording(open);
      await queue.add(delivery('a'), 1_000);
      expect(await queue.drain(1_000)).toEqual([]);
      expect(await queue.drain(0)).toEqual(outlivesProcess ? [] : [delivery('a')]);
      expect(queue.heldHere()).toBe(0);
      expect(await queue.drain(0)).toEqual([]);
      await passTime(1_001);
      expect(attempted()).toEqual([]);
    });

    test('gives back what has waited here the longest, unless another process will attempt it', async () => {
      const { queue, attempted, passTime, outlivesProcess } = await startRecording(open);
      await queue.add(delivery('first'), 2 * delayMs);
      await queue.add(delivery('second'), delayMs);
      expect(queue.takeOldest()).toEqual(outlivesProcess ? undefined : delivery('first'));
      expect(await queue.size()).toBe(outlivesProcess ? 2 : 1);
      await passTime(2 * delayMs);
      const expected = outlivesProcess ? ['second', 'first'] : ['second'];
      // In any order: on a busy machine both are overdue before one is attempted.
      await expect.poll(() => attempted().length).toBe(expected.length);
      expect(attempted()).toEqual(expect.arrayContaining(expected.map((mark) => delivery(mark))));
      expect(queue.takeOldest()).toBeUndefined();
    });
  });
}
