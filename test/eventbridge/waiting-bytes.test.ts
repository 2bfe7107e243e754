import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { entryBytes, toEventBridgeEntry } from '../../src/delivery/eventbridge/entry.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import { nextTurn, startSender } from './start-sender.ts';

/* What docs/security.md says of the events that wait for EventBridge. */

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is left after collections that free nothing more: what ends in another turn is garbage only then. */
async function heapInUse(): Promise<number> {
  for (let before = Infinity; ;) {
    await nextTurn();
    collect();
    const { heapUsed } = process.memoryUsage();
    if (heapUsed > before - 10_000) {
      return heapUsed;
    }
    before = heapUsed;
  }
}

/** A text of its own in memory, that shares nothing with others. */
function ownText(start: string, character: string, characters: number): string {
  return Buffer.from(start + character.repeat(characters - start.length)).toString();
}

/** An event of which every field is as long as it may be. */
function longestEvent(number: number): PaymentEvent {
  const start = `${number}-`;
  return sampleEvent({
    id: ownText(`pay-${start}`, '0', 40),
    eventId: ownText(`evt-${start}`, '0', 40),
    reservationId: ownText(start, '😀', 128),
    userId: ownText(start, '😀', 128),
    money: { amount: Number.MAX_SAFE_INTEGER, currency: 'KRW' },
    webhookUrl: ownText(`http://a.example.com/${start}`, 'u', 2_048),
    trace: {
      traceparent: ownText(`00-${start}`, '0', 55),
      tracestate: ownText(`a=${start}`, '"', 512),
      requestId: ownText(start, '"', 128),
    },
  });
}

test('an event with the longest fields is an entry of at most 4 KiB', () => {
  const entry = toEventBridgeEntry(longestEvent(1), Date.now(), {
    source: 'payment.service',
    busName: 'bus',
  });
  expect(entryBytes(entry)).toBeLessThan(4_096);
});

test('and takes 4.5 kB of heap while it waits, or little more', async () => {
  const { sender } = await startSender('http://127.0.0.1:1', {}, false);
  const count = 5_000;
  const before = await heapInUse();
  for (let number = 0; number < count; number += 1) {
    void sender.accept(longestEvent(number));
  }
  const bytes = ((await heapInUse()) - before) / count;
  expect(sender.backlog().ready).toBe(count);
  // Less would be fields that share memory, and measure nothing.
  expect(bytes).toBeGreaterThan(3_500);
  expect(bytes).toBeLessThan(5_000);
});
