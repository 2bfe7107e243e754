import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { takeBatch } from '../../src/delivery/batch.ts';
import { entryBytes, toEventBridgeEntry } from '../../src/delivery/eventbridge/entry.ts';
import type { PendingEvent } from '../../src/delivery/eventbridge/backlog.ts';
import { retriesOf } from '../../src/delivery/eventbridge/retries.ts';
import { newDelivery } from '../../src/delivery/delivery.ts';
import { Fifo } from '../../src/base/fifo.ts';
import { classifyEntryError } from '../../src/aws/failures.ts';
import { sampleEvent } from '../support/sample-payment.ts';

const limits = { maxEntries: 10, maxBytes: 1_000 };

function sum(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a + b, 0);
}

test('batches keep the order, keep to the limits, and are as full as can be', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1_500 }), { maxLength: 60 }), (sizes) => {
      const queue = new Fifo<number>();
      sizes.forEach((size) => queue.push(size));
      const batches: number[][] = [];
      while (queue.size > 0) {
        batches.push(takeBatch(queue, (size) => size, limits));
      }
      expect(batches.flat()).toEqual(sizes);
      for (const [index, batch] of batches.entries()) {
        expect(batch.length).toBeGreaterThan(0);
        expect(batch.length).toBeLessThanOrEqual(10);
        expect(batch.length === 1 || sum(batch) < 1_000).toBe(true);
        const next = batches[index + 1]?.[0];
        if (next !== undefined) {
          expect(batch.length === 10 || sum(batch) + next >= 1_000).toBe(true);
        }
      }
    }),
  );
});

test('an empty queue gives an empty batch', () => {
  expect(takeBatch(new Fifo<number>(), (size) => size, limits)).toEqual([]);
});

test('the size of an entry is counted as AWS counts it, in UTF-8', () => {
  const event = sampleEvent({ userId: '사용자' });
  const entry = toEventBridgeEntry(event, 4_000, { source: 'é', busName: 'bus' });
  expect(entryBytes(entry)).toBe(14 + 2 + 22 + Buffer.byteLength(entry.Detail));
  expect(JSON.parse(entry.Detail)).toMatchObject({ user_id: '사용자', timestamp: 4 });
});

test('every event that failed is sent again or given up, and only what may succeed is sent again', () => {
  const code = fc.constantFrom('InternalFailure', 'ThrottlingException', 'MalformedDetail', 'NewCode');
  const attempts = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(fc.array(fc.tuple(code, attempts), { minLength: 1, maxLength: 10 }), (entries) => {
      const failed = entries.map(([errorCode, made], index) => ({
        pending: pendingEvent(index, made),
        failure: { ...classifyEntryError(errorCode), detail: errorCode },
      }));
      const { waiting, givenUp } = retriesOf(
        failed,
        { maxAttempts: 3, baseMs: 100, maxMs: 1_000 },
        () => 0.5,
      );
      const retried = [...waiting.values()].flat();
      const left = givenUp.map(({ pending }) => pending);
      expect(new Set([...retried, ...left])).toEqual(new Set(failed.map(({ pending }) => pending)));
      expect(retried.length + left.length).toBe(failed.length);
      for (const [index, [errorCode, made]] of entries.entries()) {
        const pending = failed[index]?.pending as PendingEvent;
        const retryable = ['InternalFailure', 'ThrottlingException'].includes(errorCode);
        expect(retried.includes(pending)).toBe(retryable && made < 3);
        expect(pending.delivery.lastError).toBe(errorCode);
      }
    }),
  );
});

function pendingEvent(number: number, attempts: number): PendingEvent {
  const delivery = { ...newDelivery(sampleEvent({ eventId: `evt-${number}` })), attempts };
  return { delivery, entry: undefined, onEnd: () => undefined };
}
