import { expect, test } from 'vitest';
import { type Answer, type AwsStandIn, startAwsStandIn } from '../support/aws-stand-in.ts';
import { eventIds, nextTurn, startSender } from './start-sender.ts';

function acceptedIds(aws: AwsStandIn): string[] {
  return aws.accepted.map((entry) => String(entry.detail['event_id'])).toSorted();
}

test('5,000 events arrive once each, in calls of up to ten', async () => {
  const aws = await startAwsStandIn();
  const { accept, ended, counts } = await startSender(aws.url);
  accept(5_000);
  await ended(5_000);
  expect(acceptedIds(aws)).toEqual(eventIds(5_000));
  expect(Math.max(...aws.calls.map((entries) => entries.length))).toBe(10);
  expect(aws.calls).toHaveLength(500);
  expect(await counts('eventbridge_events_total')).toEqual({ delivered: 5_000 });
  expect(await counts('eventbridge_calls_total')).toEqual({ accepted: 500 });
});

test('an entry has the source, bus, detail type, detail and time of its payment', async () => {
  const aws = await startAwsStandIn();
  const { accept, ended } = await startSender(aws.url, {
    PAYMENT_EVENT_SOURCE: 'a-source',
    EVENT_BUS_NAME: 'a-bus',
  });
  accept(1);
  await ended(1);
  expect(aws.accepted[0]).toMatchObject({
    Source: 'a-source',
    DetailType: 'Payment Status Updated',
    EventBusName: 'a-bus',
    Time: 3,
    detail: {
      payment_id: 'pay-0',
      event_id: 'evt-0',
      user_id: 'user-1',
      status: 'PAYMENT_STATUS_COMPLETED',
      amount: 120_000,
    },
  });
});

test('ten events go in one call, and three are sent without waiting for seven more', async () => {
  const aws = await startAwsStandIn();
  const { accept, ended } = await startSender(aws.url);
  accept(13);
  await ended(13);
  expect(aws.calls.map((entries) => entries.length)).toEqual([10, 3]);
});

test('of a partly failed call only the failed entries are sent again', async () => {
  const aws = await startAwsStandIn();
  const threeFail: Answer = {
    kind: 'partial',
    codeFor: (_, index) => (index < 3 ? 'InternalFailure' : undefined),
  };
  // 3 of 10 fail, then the same 3, then all is well.
  aws.answerNext(threeFail, threeFail);
  const { accept, ended, counts, letters } = await startSender(aws.url);
  accept(10);
  await ended(10);
  expect(acceptedIds(aws)).toEqual(eventIds(10));
  expect(aws.calls.map((entries) => entries.map((entry) => entry.detail['event_id']))).toEqual([
    eventIds(10),
    eventIds(3),
    eventIds(3),
  ]);
  expect(await counts('eventbridge_entry_failures_total')).toEqual({ InternalFailure: 6 });
  expect(letters).toEqual([]);
});

test('entries that can never succeed are dead letters at once, the others are delivered', async () => {
  const aws = await startAwsStandIn();
  aws.answerNext({
    kind: 'partial',
    codeFor: (_, index) =>
      index === 4 ? 'NotAuthorizedForSourceException' : index === 5 ? 'ThrottlingException' : undefined,
  });
  const { accept, ended, counts, letters } = await startSender(aws.url);
  accept(10);
  await ended(10);
  expect(letters).toMatchObject([
    {
      channel: 'eventbridge',
      delivery: { event: { id: 'evt-4' }, attempts: 1 },
      reason: 'refused',
      error: 'NotAuthorizedForSourceException: as the test wants',
    },
  ]);
  expect(acceptedIds(aws)).toEqual(eventIds(10).filter((id) => id !== 'evt-4'));
  expect(await counts('eventbridge_events_total')).toEqual({ delivered: 9, dead_letter_refused: 1 });
});

test('a throttled call is repeated until it is taken', async () => {
  const aws = await startAwsStandIn();
  aws.answerNext(
    { kind: 'error', status: 400, code: 'ThrottlingException' },
    { kind: 'error', status: 429, code: 'TooManyRequestsException' },
    { kind: 'error', status: 503, code: 'ServiceUnavailable' },
  );
  const { accept, ended, counts, letters } = await startSender(aws.url);
  accept(200);
  await ended(200);
  expect(acceptedIds(aws)).toEqual(eventIds(200));
  expect(letters).toEqual([]);
  expect(await counts('eventbridge_calls_total')).toMatchObject({ throttled: 2, internal: 1, accepted: 20 });
});

test('after connection resets everything arrives, and twice only what had arrived before its reset', async () => {
  const aws = await startAwsStandIn();
  aws.answerNext({ kind: 'reset' }, { kind: 'reset', afterAccepting: true }, { kind: 'reset' });
  const { accept, ended, counts } = await startSender(aws.url, { EVENTBRIDGE_MAX_IN_FLIGHT: '1' });
  accept(100);
  await ended(100);
  const ids = acceptedIds(aws);
  expect([...new Set(ids)]).toEqual(eventIds(100));
  expect(ids).toHaveLength(110);
  expect(await counts('eventbridge_events_total')).toEqual({ delivered: 100 });
  expect(await counts('eventbridge_calls_total')).toEqual({ connection: 3, accepted: 10 });
});

test.each([{ halfAnswer: false }, { halfAnswer: true }])(
  'a hung endpoint is given up after the time limit and tried again (half an answer: $halfAnswer)',
  async ({ halfAnswer }) => {
    const aws = await startAwsStandIn();
    aws.answerNext({ kind: 'hang', halfAnswer });
    const { accept, ended, counts } = await startSender(aws.url, { EVENTBRIDGE_TIMEOUT_MS: '500' });
    accept(10);
    await ended(10);
    expect(acceptedIds(aws)).toEqual(eventIds(10));
    const calls = await counts('eventbridge_calls_total');
    expect(calls['accepted']).toBe(1);
    expect((calls['timeout'] ?? 0) + (calls['connection'] ?? 0)).toBe(1);
  },
);

test('when AWS is down and comes back, nothing is lost', async () => {
  const first = await startAwsStandIn();
  const port = Number(new URL(first.url).port);
  const env = { EVENTBRIDGE_MAX_ATTEMPTS: '100' };
  const { accept, ended, counts, letters, sender } = await startSender(first.url, env);
  accept(50);
  await ended(50);
  first.close();
  accept(2_000, 50);
  // Several failed rounds.
  while (((await counts('eventbridge_calls_total'))['connection'] ?? 0) < 40) {
    await nextTurn();
  }
  const second = await startAwsStandIn(port);
  await ended(2_050);
  expect(acceptedIds(second)).toEqual(eventIds(2_000, 50));
  expect(letters).toEqual([]);
  expect(await counts('eventbridge_events_total')).toEqual({ delivered: 2_050 });
  expect(sender.backlog()).toEqual({ ready: 0, retrying: 0, in_flight: 0 });
});

test('beyond the backlog the oldest events are dead letters, and the rest arrives', async () => {
  const aws = await startAwsStandIn();
  const { accept, open, ended, letters, counts } = await startSender(
    aws.url,
    { EVENTBRIDGE_MAX_BACKLOG: '100' },
    false,
  );
  accept(130);
  expect(letters.map(({ delivery, reason }) => [delivery.event.id, reason, delivery.attempts])).toEqual(
    Array.from({ length: 30 }, (_, index) => [`evt-${index}`, 'overflow', 0]),
  );
  open();
  await ended(130);
  expect(acceptedIds(aws)).toEqual(eventIds(100, 30));
  expect(await counts('eventbridge_events_total')).toEqual({ delivered: 100, dead_letter_overflow: 30 });
});

test('events that wait for their retry count for the backlog and are the first to leave it', async () => {
  const aws = await startAwsStandIn();
  aws.answerUsually({ kind: 'error', status: 500, code: 'InternalFailure' });
  const { accept, letters, sender } = await startSender(aws.url, {
    EVENTBRIDGE_MAX_BACKLOG: '20',
    EVENTBRIDGE_RETRY_BASE_MS: '60000',
    EVENTBRIDGE_RETRY_MAX_MS: '60000',
  });
  accept(10);
  while (sender.backlog().retrying < 10) {
    await nextTurn();
  }
  accept(15, 10);
  expect(letters.map(({ delivery, reason }) => [delivery.event.id, reason, delivery.attempts])).toEqual(
    Array.from({ length: 5 }, (_, index) => [`evt-${index}`, 'overflow', 1]),
  );
});

test('an event is given up when its attempts are used up', async () => {
  const aws = await startAwsStandIn();
  aws.answerUsually({ kind: 'error', status: 500, code: 'InternalFailure' });
  const { accept, ended, letters } = await startSender(aws.url, { EVENTBRIDGE_MAX_ATTEMPTS: '3' });
  accept(1);
  await ended(1);
  const [letter] = letters;
  expect(letter).toMatchObject({ reason: 'exhausted', delivery: { attempts: 3 } });
  expect(letter?.error).toMatch(/InternalFailure/);
  expect(letter?.delivery.lastAttemptAtMs).toBeGreaterThan(letter?.delivery.firstAttemptAtMs ?? Infinity);
  expect(aws.calls).toHaveLength(3);
});

test('one entry that spoils a call does not take the others with it', async () => {
  const aws = await startAwsStandIn();
  const invalid = { kind: 'error', status: 400, code: 'ValidationException' } as const;
  // The call of ten, then the first entry alone.
  aws.answerNext(invalid, invalid);
  const { accept, ended, letters } = await startSender(aws.url);
  accept(10);
  await ended(10);
  // The call for all and the one for each alone are one attempt.
  expect(letters).toMatchObject([{ delivery: { event: { id: 'evt-0' }, attempts: 1 }, reason: 'refused' }]);
  expect(acceptedIds(aws)).toEqual(eventIds(9, 1));
});

test('when AWS does not answer the calls for each alone, the others wait for their next attempt', async () => {
  const aws = await startAwsStandIn();
  const reset = { kind: 'reset' } as const;
  aws.answerNext({ kind: 'error', status: 400, code: 'ValidationException' }, reset, reset);
  const { accept, ended, letters } = await startSender(aws.url, { EVENTBRIDGE_MAX_ATTEMPTS: '2' });
  accept(10);
  await ended(10);
  expect(letters).toEqual([]);
  expect(acceptedIds(aws)).toEqual(eventIds(10));
  // Two alone in vain, and perhaps once more; not each of the ten.
  expect(aws.calls.filter(({ length }) => length === 1).length).toBeLessThan(5);
});

test('a missing result is not taken for success', async () => {
  const aws = await startAwsStandIn();
  aws.answerNext({ kind: 'partial', codeFor: () => undefined, resultCount: 7 });
  const { accept, ended, counts } = await startSender(aws.url);
  accept(10);
  await ended(10);
  expect(aws.calls.map((entries) => entries.length)).toEqual([10, 3]);
  expect(await counts('eventbridge_entry_failures_total')).toEqual({ no_result: 3 });
});

test('draining sends at once what waits', async () => {
  const aws = await startAwsStandIn();
  const { accept, sender } = await startSender(aws.url, { EVENTBRIDGE_BATCH_WAIT_MS: '10000' });
  accept(3);
  await sender.drain(10_000);
  expect(acceptedIds(aws)).toEqual(eventIds(3));
});

test('draining gives retries one more chance at once and dead-letters what fails again', async () => {
  const aws = await startAwsStandIn();
  aws.answerNext({ kind: 'error', status: 500, code: 'InternalFailure' });
  const { accept, sender, letters, counts } = await startSender(aws.url, {
    EVENTBRIDGE_RETRY_BASE_MS: '60000',
    EVENTBRIDGE_RETRY_MAX_MS: '60000',
  });
  accept(10);
  while (sender.backlog().retrying < 10) {
    await nextTurn();
  }
  aws.answerNext({ kind: 'partial', codeFor: (_, index) => (index < 4 ? 'InternalFailure' : undefined) });
  await sender.drain(10_000);
  accept(1, 10);
  const given = letters.map(({ delivery, reason }) => `${delivery.event.id} ${reason}`);
  expect(new Set(given)).toEqual(new Set([...eventIds(4), 'evt-10'].map((id) => `${id} shutdown`)));
  expect(given).toHaveLength(5);
  expect(await counts('eventbridge_events_total')).toEqual({ delivered: 6, dead_letter_shutdown: 5 });
});

test('draining where it is not to wait for retries gives each event one more chance and no further one', async () => {
  const aws = await startAwsStandIn();
  const failure = { kind: 'error', status: 500, code: 'InternalFailure' } as const;
  const waits = { EVENTBRIDGE_RETRY_BASE_MS: '300', EVENTBRIDGE_RETRY_MAX_MS: '300' };
  const { accept, sender, letters } = await startSender(aws.url, waits, true, false);
  aws.answerNext(failure);
  accept(3);
  while (sender.backlog().retrying < 3) {
    await nextTurn();
  }
  // The second attempt fails; a third, which a drain that waits would make, would work.
  aws.answerNext(failure);
  await sender.drain(10_000);
  expect(letters.map(({ reason }) => reason)).toEqual(['shutdown', 'shutdown', 'shutdown']);
});

test('draining ends in time though calls hang, and accounts for every event once', async () => {
  const aws = await startAwsStandIn();
  aws.answerUsually({ kind: 'hang' });
  const { accept, sender, letters, counts } = await startSender(aws.url, { EVENTBRIDGE_MAX_IN_FLIGHT: '2' });
  accept(35);
  await aws.until(({ calls }) => calls.length === 2);
  await sender.drain(50);
  expect(letters.map(({ delivery }) => delivery.event.id).toSorted()).toEqual(eventIds(35));
  expect(await counts('eventbridge_events_total')).toEqual({ delivered: 0, dead_letter_shutdown: 35 });
  expect(sender.backlog()).toEqual({ ready: 0, retrying: 0, in_flight: 0 });
});
