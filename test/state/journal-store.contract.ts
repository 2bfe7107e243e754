import { describe, expect, test } from 'vitest';
import {
  type CallEntry,
  createdEntry,
  deliveryEntry,
  type JournalEntry,
  resetEntry,
  type ToldEntry,
} from '../../src/simulator/journal/entry.ts';
import { noPageLimit } from '../../src/simulator/journal/delivery-log.ts';
import { noLimits } from '../../src/simulator/journal/journal.ts';
import type { JournalStore } from '../../src/simulator/journal/ports.ts';
import { sampleEvent, samplePayment } from '../support/sample-payment.ts';
import type { PortHarness } from './harness.ts';

/** What the suite asks for: an empty journal of its own per test. */
export type JournalStoreFactory = (options: {
  readonly maxBytes: number;
}) => Promise<PortHarness<JournalStore>>;

const large = { maxBytes: 33_554_432 };
const all = noLimits;
const any = () => true;

function call(paymentId: string, change: Partial<CallEntry> = {}): CallEntry {
  return {
    kind: 'call',
    atMs: 1_767_225_600_000,
    paymentId,
    sessionId: undefined,
    method: 'GetPaymentStatus',
    texts: { request: () => '{"note":"메모 \\"1\\" \u2028 😀"}', answer: () => '{}' },
    textBytes: 100,
    code: 0,
    message: '',
    ruleIds: ['rul-1'],
    fault: undefined,
    durationMs: 1.25,
    ...change,
  };
}

function attemptEntry(paymentId: string, number: number, status: 'WAITING' | 'DELIVERED'): JournalEntry {
  const event = { ...sampleEvent({ id: paymentId }), id: `evt-${paymentId}` };
  return deliveryEntry(event, 'webhook', status, 5, {
    attempt: {
      number,
      texts: { headers: () => ({ 'webhook-id': event.id }), body: () => `{"body":"한글 ${number}"}` },
      textBytes: 60,
      startedAtMs: 4,
      durationMs: 0.5,
      statusCode: status === 'DELIVERED' ? 204 : 503,
      answer: 'later',
      error: status === 'DELIVERED' ? undefined : '503',
      fault: undefined,
    },
    error: status === 'DELIVERED' ? undefined : '503',
  });
}

async function noted(store: JournalStore, entries: readonly JournalEntry[]): Promise<readonly ToldEntry[]> {
  entries.forEach((entry) => store.append(entry));
  await store.refresh();
  return store.journal.read(1, any, all).entries.map(({ entry }) => entry);
}

/** What every JournalStore does. */
export function describeJournalStore(name: string, open: JournalStoreFactory): void {
  describe(`JournalStore contract: ${name}`, () => {
    test('tells entries in the order in which they came, with their numbers', async () => {
      const { port: store } = await open(large);
      const entries = Array.from({ length: 500 }, (_, i) => call(`pay-${i}`));
      const found = await noted(store, entries);
      expect(found.map(({ paymentId }) => paymentId)).toEqual(entries.map(({ paymentId }) => paymentId));
      const { journal } = store;
      expect([journal.oldest(), journal.next(), journal.life() > 0]).toEqual([1, 501, true]);
      const page = journal.read(11, ({ paymentId }) => paymentId.endsWith('5'), {
        ...all,
        entries: 2,
        looked: 100,
      });
      expect(page.entries.map(({ position, entry }) => [position, entry.paymentId])).toEqual([
        [16, 'pay-15'],
        [26, 'pay-25'],
      ]);
      expect([page.next, page.skipped]).toEqual([27, 0]);
    });

    test('keeps every kind of entry as it is, texts byte for byte', async () => {
      const { port: store } = await open(large);
      const payment = samplePayment({ id: 'pay-1', extras: { sessionId: 'a', ruleId: 'rul-1' } });
      const [called, made, attempted] = await noted(store, [
        call('pay-0', { code: 14, message: 'down', fault: 'error', sessionId: 'b' }),
        createdEntry(payment, 7),
        attemptEntry('pay-2', 1, 'DELIVERED'),
      ]);
      expect(called).toMatchObject({
        code: 14,
        message: 'down',
        fault: 'error',
        sessionId: 'b',
        durationMs: 1.25,
      });
      expect(called?.kind === 'call' && called.texts.request()).toBe('{"note":"메모 \\"1\\" \u2028 😀"}');
      expect(made).toMatchObject({ kind: 'transition', sessionId: 'a' });
      expect(made?.kind === 'transition' && made.payment).toEqual(payment);
      expect(attempted).toMatchObject({ kind: 'delivery', status: 'DELIVERED', event: { id: 'evt-pay-2' } });
      const attempt = attempted?.kind === 'delivery' ? attempted.attempt : undefined;
      expect([attempt?.texts.headers(), attempt?.texts.body()]).toEqual([
        { 'webhook-id': 'evt-pay-2' },
        '{"body":"한글 1"}',
      ]);
    });

    test('knows how deliveries stand, with all their attempts', async () => {
      const { port: store } = await open(large);
      await noted(store, [
        deliveryEntry({ ...sampleEvent({ id: 'pay-1' }), id: 'evt-pay-1' }, 'webhook', 'WAITING', 1),
        attemptEntry('pay-1', 1, 'WAITING'),
        attemptEntry('pay-2', 1, 'DELIVERED'),
        attemptEntry('pay-1', 2, 'DELIVERED'),
        // Sent again, which begins to count anew.
        attemptEntry('pay-1', 1, 'DELIVERED'),
      ]);
      const { deliveries } = store.journal.deliveries.list({ paymentId: 'pay-1' }, undefined, noPageLimit);
      expect(
        deliveries.map(({ status, attempts }) => [status, attempts.map(({ number }) => number)]),
      ).toEqual([['DELIVERED', [1, 2, 3]]]);
      expect(store.journal.deliveries.list({}, undefined, noPageLimit).deliveries).toHaveLength(2);
    });

    test('a call about a payment belongs to the session of the payment', async () => {
      const { port: store } = await open(large);
      const payment = samplePayment({ id: 'pay-1', extras: { sessionId: 'a' } });
      const found = await noted(store, [createdEntry(payment, 1), call('pay-1'), call('pay-2')]);
      expect(found.map(({ sessionId }) => sessionId)).toEqual(['a', 'a', undefined]);
    });

    test('a reset makes a session forget, and no other; all of them forget together', async () => {
      const { port: store } = await open(large);
      const kept = await noted(store, [
        call('pay-1', { sessionId: 'a' }),
        call('pay-2', { sessionId: 'b' }),
        call('pay-3'),
        resetEntry('a', 1),
        call('pay-4', { sessionId: 'a' }),
      ]);
      expect(kept.map(({ paymentId }) => paymentId)).toEqual(['pay-2', 'pay-3', 'pay-4']);
      expect(await noted(store, [resetEntry(undefined, 1)])).toEqual([]);
    });

    test('forgets the oldest beyond its bytes, and says how many', async () => {
      const { port: store } = await open({ maxBytes: 1_048_576 });
      const entries = Array.from({ length: 8_000 }, (_, i) => call(`pay-${i}`));
      const found = await noted(store, entries);
      expect(found.length).toBeLessThan(8_000);
      expect(found.at(-1)?.paymentId).toBe('pay-7999');
      const { journal } = store;
      expect(journal.next()).toBe(8_001);
      expect(journal.read(1, any, all).skipped + found.length).toBe(8_000);
      expect(journal.bytes()).toBeLessThanOrEqual(1_048_576);
    });

    test('tells those who follow of every entry', async () => {
      const { port: store, passTime } = await open(large);
      await store.refresh();
      const told: string[] = [];
      const close = store.journal.onAppend(({ paymentId }) => void told.push(paymentId));
      const unfollow = store.follow();
      store.append(call('pay-1'));
      store.append(call('pay-2'));
      for (let waited = 0; told.length < 2 && waited < 200; waited += 1) {
        await passTime(20);
      }
      expect(told).toEqual(['pay-1', 'pay-2']);
      close();
      unfollow();
      store.append(call('pay-3'));
      await store.refresh();
      expect(told).toHaveLength(2);
    });
  });
}
