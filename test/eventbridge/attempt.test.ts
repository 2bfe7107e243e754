import { expect, test } from 'vitest';
import { newDelivery } from '../../src/delivery/delivery.ts';
import { attemptBatch, type EntryFailure } from '../../src/delivery/eventbridge/attempt.ts';
import { type PendingEvent, unawaited } from '../../src/delivery/eventbridge/backlog.ts';
import { toEventBridgeEntry } from '../../src/delivery/eventbridge/entry.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { sampleEvent } from '../support/sample-payment.ts';

const refused = Object.assign(new Error('one is wrong'), {
  name: 'ValidationException',
  $metadata: { httpStatusCode: 400 },
});
const late = Object.assign(new Error('too late'), { name: 'TimeoutError' });

/** Attempts five events; a call for more than one is refused for one of them. */
async function attempt(alone: (nth: number) => Error | undefined) {
  const batch = ['1', '2', '3', '4', '5'].map((mark) =>
    unawaited(newDelivery(sampleEvent({ eventId: `evt-${mark}` }))),
  );
  const ends = new Map<PendingEvent, EntryFailure | undefined>();
  let calls = 0;
  const { isInVain } = await attemptBatch(
    {
      machine: createFakeClock(),
      observe: () => undefined,
      entryOf: ({ delivery }) => toEventBridgeEntry(delivery.event, 0, { source: 's', busName: 'b' }),
      isInFlight: (pending) => !ends.has(pending),
      conclude: (events, failures) => events.forEach((event, index) => ends.set(event, failures[index])),
    },
    async (entries) => {
      const error = entries.length > 1 ? refused : alone(calls);
      calls += 1;
      if (error !== undefined) {
        throw error;
      }
      return entries.map(() => ({}));
    },
    batch,
  );
  return {
    mayGoOn: !isInVain,
    calls,
    reasons: batch.map((pending) => ends.get(pending)?.reason),
    attempts: batch.map(({ delivery }) => delivery.attempts),
  };
}

test('of a call that is refused for one entry, each is made alone and counts once', async () => {
  expect(await attempt((nth) => (nth === 2 ? refused : undefined))).toEqual({
    mayGoOn: true,
    calls: 6,
    reasons: [undefined, 'refused', undefined, undefined, undefined],
    attempts: [1, 1, 1, 1, 1],
  });
});

test('when those alone are not answered the call has failed, and no other waits for its time to run out', async () => {
  expect(await attempt((nth) => (nth === 1 ? undefined : late))).toEqual({
    mayGoOn: false,
    calls: 4,
    reasons: [undefined, 'timeout', 'timeout', 'timeout', 'timeout'],
    attempts: [1, 1, 1, 1, 1],
  });
});

test('one that is never answered alone keeps no other from being taken', async () => {
  expect(await attempt((nth) => (nth === 1 ? late : undefined))).toEqual({
    mayGoOn: true,
    calls: 6,
    reasons: ['timeout', undefined, undefined, undefined, undefined],
    attempts: [1, 1, 1, 1, 1],
  });
});
