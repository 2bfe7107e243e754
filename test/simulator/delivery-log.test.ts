import { expect, test } from 'vitest';
import { createDeliveryLog, noPageLimit } from '../../src/simulator/journal/delivery-log.ts';
import { type Attempt, deliveryEntry, type DeliveryStatus } from '../../src/simulator/journal/entry.ts';
import { sampleEvent } from '../support/sample-payment.ts';

const event = sampleEvent({ id: 'pay-1' });

function attempt(number: number): Attempt {
  return {
    number,
    texts: { headers: () => ({}), body: () => '' },
    textBytes: 1_000,
    startedAtMs: 1,
    durationMs: 1,
    statusCode: 200,
    answer: '',
    error: undefined,
    fault: undefined,
  };
}

function entry(status: DeliveryStatus, number?: number) {
  return deliveryEntry(event, 'webhook', status, 1, number === undefined ? {} : { attempt: attempt(number) });
}

test('bounds the attempts of one payment alone too, and keeps the last', () => {
  const log = createDeliveryLog(100_000);
  for (let sent = 0; sent < 5_000; sent += 1) {
    log.note(entry('DELIVERED', 1));
  }
  expect(log.bytes()).toBeLessThan(102_000);
  const [delivery] = log.list({}, undefined, noPageLimit).deliveries;
  expect(delivery?.attempts.at(-1)?.number).toBe(5_000);
});

test('what was taken once stays so, whatever becomes of a copy, or of what is sent again', () => {
  const log = createDeliveryLog(100_000);
  for (const [status, number] of [
    ['WAITING', 1],
    ['DELIVERED', 2],
    ['WAITING', 3],
    ['GIVEN_UP', undefined],
  ] as const) {
    log.note(entry(status, number));
  }
  const [delivery] = log.list({}, undefined, noPageLimit).deliveries;
  expect([delivery?.status, delivery?.attempts.length]).toEqual(['DELIVERED', 3]);
});
