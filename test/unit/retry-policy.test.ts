import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AttemptFailure,
  decideRetry,
  parseRetryAfter,
  patienceMs,
  type RetryOptions,
} from '../../src/delivery/retry-policy.ts';

const options: RetryOptions = { maxAttempts: 8, baseMs: 1_000, maxMs: 300_000 };
const unavailable: AttemptFailure = { reason: 'http_503', retryable: true };
const middle = () => 0.5;
const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function delayAfter(attempts: number, drawn: number, failure = unavailable, with_ = options): number {
  const decision = decideRetry(attempts, failure, with_, () => drawn);
  if (decision.action !== 'retry') {
    throw new Error(`gave up: ${decision.reason}`);
  }
  return decision.delayMs;
}

test('waits double from the base', () => {
  expect([1, 2, 3, 4, 5, 6, 7].map((attempts) => delayAfter(attempts, 0.5))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000,
  ]);
});

test('jitter moves a wait by a fifth either way and reaches both ends', () => {
  expect(delayAfter(1, 0)).toBe(800);
  expect(delayAfter(1, 1 - Number.EPSILON)).toBe(1_200);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), draws, (attempts, drawn) => {
      const delayMs = delayAfter(attempts, drawn);
      const backOffMs = 1_000 * 2 ** (attempts - 1);
      expect(delayMs).toBeGreaterThanOrEqual(backOffMs * 0.8);
      expect(delayMs).toBeLessThanOrEqual(backOffMs * 1.2);
    }),
  );
});

test('for any figures a wait is a whole number from 0 to the maximum, however many attempts', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1 }),
      fc.integer({ min: 0, max: 86_400_000 }),
      fc.integer({ min: 1, max: 86_400_000 }),
      fc.option(fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }), { nil: undefined }),
      draws,
      (attempts, baseMs, extraMs, retryAfterMs, drawn) => {
        const maxMs = baseMs + extraMs;
        const failure = retryAfterMs === undefined ? unavailable : { ...unavailable, retryAfterMs };
        const delayMs = delayAfter(attempts, drawn, failure, { maxAttempts: attempts + 1, baseMs, maxMs });
        expect(Number.isSafeInteger(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(maxMs);
        if (retryAfterMs !== undefined) {
          expect(delayMs).toBeGreaterThanOrEqual(Math.floor(Math.min(retryAfterMs, maxMs)));
        }
      },
    ),
    { numRuns: 500 },
  );
});

const asking = (retryAfterMs: number) => delayAfter(1, 0.5, { ...unavailable, retryAfterMs });

test('Retry-After counts where it is longer, and no further than the maximum', () => {
  expect(asking(0)).toBe(1_000);
  expect(asking(999)).toBe(1_000);
  expect(asking(45_000)).toBe(45_000);
  expect(asking(300_001)).toBe(300_000);
  expect(asking(Infinity)).toBe(300_000);
});

const askedOf = (retryAfterMs: number) => decideRetry(1, { ...unavailable, retryAfterMs }, options, middle);

test('what the receiver asked for beyond the back-off is told apart', () => {
  expect(askedOf(500)).toEqual({ action: 'retry', delayMs: 1_000, askedMs: 0 });
  expect(askedOf(45_000)).toEqual({ action: 'retry', delayMs: 45_000, askedMs: 44_000 });
  expect(askedOf(400_000)).toEqual({ action: 'retry', delayMs: 300_000, askedMs: 299_000 });
});

test('gives up after the last attempt, not before', () => {
  expect(decideRetry(7, unavailable, options, middle).action).toBe('retry');
  expect(decideRetry(8, unavailable, options, middle)).toEqual({ action: 'give-up', reason: 'exhausted' });
  expect(decideRetry(9, unavailable, options, middle)).toEqual({ action: 'give-up', reason: 'exhausted' });
  expect(decideRetry(1, unavailable, { ...options, maxAttempts: 1 }, middle)).toEqual({
    action: 'give-up',
    reason: 'exhausted',
  });
});

test('what the receiver refuses for good is not tried again', () => {
  const gone: AttemptFailure = { reason: 'http_410', retryable: false, retryAfterMs: 1 };
  for (const attempts of [1, 8]) {
    expect(decideRetry(attempts, gone, options, middle)).toEqual({ action: 'give-up', reason: 'refused' });
  }
});

describe('parseRetryAfter', () => {
  const nowMs = Date.UTC(1994, 10, 6, 8, 49, 0);

  test.each([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['9'.repeat(400), Infinity],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
    ['Sun Nov  6 08:49:37 1994', 37_000],
    ['Sun, 06 Nov 1994 08:48:00 GMT', 0],
  ])('%s', (value, expectedMs) => {
    expect(parseRetryAfter(value, nowMs)).toBe(expectedMs);
  });

  test.each([
    '',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    'soon',
    'Sun, nonsense GMT',
    '120, 240',
    'Sun, 06 Nov 1994 08:49:37',
  ])('"%s" is no answer', (value) => {
    expect(parseRetryAfter(value, nowMs)).toBeUndefined();
  });

  test('any text gives no time or one of 0 or more', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date().map(String), fc.integer().map(String)), (text) => {
        const waitMs = parseRetryAfter(text, nowMs);
        expect(waitMs === undefined || waitMs >= 0).toBe(true);
      }),
    );
  });
});

test('patience lasts as long as all attempts and all waits between them at their longest', () => {
  expect(patienceMs({ maxAttempts: 4, baseMs: 1_000, maxMs: 3_000 }, 10_000)).toBe(
    40_000 + (1_000 + 2_000 + 3_000) * 1.2,
  );
  expect(patienceMs({ ...options, maxAttempts: 1 }, 10_000)).toBe(10_000);
});
