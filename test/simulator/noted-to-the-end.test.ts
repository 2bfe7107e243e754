import { expect, test } from 'vitest';
import { noteDeliveries } from '../../src/observability/journal-feed.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';
import { createQuietStore } from '../../src/simulator/journal/quiet-store.ts';
import { createMemoryJournalStore } from '../../src/state/memory/journal-store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { sampleEvent } from '../support/sample-payment.ts';

/* A webhook that was noted to wait is noted to its end, however much comes meanwhile. */

const url = 'http://127.0.0.1:1/hook';

function start() {
  const clock = createFakeClock();
  const store = createQuietStore(createMemoryJournalStore(clock, 33_554_432), clock);
  const { append, wants } = store;
  const observe = noteDeliveries({ machine: clock, clock, append, wants });
  const accept = (mark: string) => {
    const event = sampleEvent({ id: `pay-${mark}`, eventId: `evt-${mark}`, webhookUrl: url });
    observe({ kind: 'accepted', event });
    return event;
  };
  const deliver = (event: PaymentEvent) =>
    observe({
      kind: 'webhook-attempted',
      delivery: {
        event,
        url,
        attempts: 0,
        waits: 0,
        askedMs: 0,
        firstAttemptAtMs: undefined,
        lastAttemptAtMs: undefined,
        lastError: undefined,
      },
      headers: {},
      body: '',
      result: { outcome: 'delivered', statusCode: 200, answer: 'ok' },
      startedAtMs: 0,
      durationMs: 1,
    });
  const statuses = () =>
    store.journal.deliveries.find(() => true).map(({ event, status }) => [event.id, status]);
  return { wants, accept, deliver, statuses };
}

test('what was noted when it was accepted is delivered, and what was left out stays out', () => {
  const { wants, accept, deliver, statuses } = start();
  const noted = accept('noted');
  while (wants(undefined));
  const leftOut = accept('left-out');
  expect(statuses()).toEqual([['evt-noted', 'WAITING']]);
  deliver(noted);
  deliver(leftOut);
  expect(statuses()).toEqual([['evt-noted', 'DELIVERED']]);
});
