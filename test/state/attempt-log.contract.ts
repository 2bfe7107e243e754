import { describe, expect, test } from 'vitest';
import type { AttemptLog, LoggedAttempt } from '../../src/delivery/ports.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import type { PortHarness } from './harness.ts';

/** What the suite asks for: an empty log of its own per test. */
export type AttemptLogFactory = (options: {
  readonly ttlMs: number;
  readonly maxAttempts: number;
}) => Promise<PortHarness<AttemptLog>>;

/** An event that occurs now. */
function event(paymentId: string, occurredAtMs: number, id = `evt-${paymentId}`) {
  return { ...sampleEvent({ id: paymentId, settledAtMs: occurredAtMs }), id };
}

const day = { ttlMs: 86_400_000, maxAttempts: 8 };

function attempt(nth: number, change: Partial<LoggedAttempt> = {}): LoggedAttempt {
  return {
    attempt: nth,
    startedAtMs: 1_767_225_600_000 + nth,
    durationMs: 12,
    statusCode: 503,
    error: '503 Service Unavailable: "full" é',
    ...change,
  };
}

/** What every AttemptLog does. */
export function describeAttemptLog(name: string, open: AttemptLogFactory): void {
  describe(`AttemptLog contract: ${name}`, () => {
    test('gives back what was noted, in order, and nothing of other events', async () => {
      const { port: log, now } = await open(day);
      const attempts = [
        attempt(1),
        attempt(2, { statusCode: undefined, error: 'no complete answer within 10 ms' }),
        attempt(3, { statusCode: 200, error: undefined, durationMs: 0 }),
      ];
      await log.record(event('pay-other', now()), attempt(1));
      await log.record(event('pay-1', now(), 'evt-2'), attempt(1));
      for (const noted of attempts) {
        await log.record(event('pay-1', now()), noted);
      }
      expect(await log.list('pay-1', 'evt-pay-1')).toEqual(attempts);
      expect(await log.list('pay-1', 'evt-2')).toEqual([attempt(1)]);
      expect(await log.list('pay-other', 'evt-pay-other')).toEqual([attempt(1)]);
    });

    test('knows nothing of an event without attempts', async () => {
      const { port: log } = await open(day);
      expect(await log.list('pay-none', 'evt-none')).toEqual([]);
    });

    test('keeps the last attempts at an event that has too many', async () => {
      const { port: log, now } = await open({ ...day, maxAttempts: 3 });
      for (let nth = 1; nth <= 5; nth += 1) {
        await log.record(event('pay-1', now()), attempt(nth));
      }
      expect((await log.list('pay-1', 'evt-pay-1')).map((noted) => noted.attempt)).toEqual([3, 4, 5]);
    });

    test('forgets when the time to live since the event is over, later attempts included', async () => {
      const { port: log, now, passTime } = await open({ ...day, ttlMs: 1_000 });
      const occurredAtMs = now();
      await log.record(event('pay-1', occurredAtMs), attempt(1));
      await passTime(500);
      await log.record(event('pay-1', occurredAtMs), attempt(2));
      expect(await log.list('pay-1', 'evt-pay-1')).toHaveLength(2);
      await passTime(500);
      expect(await log.list('pay-1', 'evt-pay-1')).toEqual([]);
    });
  });
}
