import { describe, expect, test } from 'vitest';
import { assert, dictionary, property, string } from 'fast-check';
import { createPaint } from '../../src/base/paint.ts';
import { createPrettyLines } from '../../src/observability/pretty-lines.ts';

const format = createPrettyLines(createPaint(false));
const ts = '2026-11-27T15:33:34.584Z';

/** What is shown of a line, without its time. */
function show(fields: Readonly<Record<string, unknown>>): string | undefined {
  return format(JSON.stringify({ level: 'info', ts, ...fields }))?.replace(/^\d\d:33:34\.584 {2}/, '');
}

const payment_id = 'pay-46292126-4740-43d9-87c4-1032705f9ef7';

describe('what happens to a payment', () => {
  test.each([
    [
      {
        msg: 'Payment intent created',
        payment_id,
        amount: 1050,
        currency: 'USD',
        reservation_id: 'r-1',
        settles_in_ms: 2000,
        rule_id: 'late',
        session_id: 's-1',
      },
      `pay-46292126  PENDING               $10.50  r-1  settles in 2.0 s  (by rule late, session s-1)  ${payment_id}`,
    ],
    [
      {
        msg: 'Payment processed successfully',
        payment_id,
        status: 'FAILED',
        failure_code: 'card_declined',
        latency_ms: 90_000_000,
      },
      'pay-46292126  FAILED                card_declined  after 25.0 h',
    ],
    [{ msg: 'Payment expired', payment_id, status: 'EXPIRED' }, 'pay-46292126  EXPIRED'],
    [
      {
        msg: 'Webhook failed, to be tried again',
        payment_id,
        webhook_url: 'http://x/',
        error: '503 :',
        retry_in_ms: 950,
        attempt: 2,
      },
      'pay-46292126  webhook failed        http://x/  503   again in 950 ms  attempt 2',
    ],
    [
      { msg: 'Webhook given up', payment_id, reason: 'exhausted', webhook_url: 'http://x/' },
      'pay-46292126  webhook given up      exhausted  http://x/',
    ],
  ])('%j', (fields, text) => {
    expect(show(fields)?.replace('503   again', '503   again')).toBe(
      text.replace('503   again', '503   again'),
    );
  });
});

test('any other line is its level and message with its fields, but for empty ones', () => {
  expect(show({ level: 'warn', msg: 'Something new', a: 1, b: { c: 'd' }, e: '' })).toBe(
    'warn          Something new         a=1  b={"c":"d"}',
  );
  expect(show({ msg: 'Payment Sim is ready', api_port: 8030 })).toBeUndefined();
  expect(format('no JSON \u001b[2J')).toBe(String.raw`no JSON \u001b[2J`);
});

test('nothing in a line reaches a terminal raw, and every line is one', () => {
  assert(
    property(dictionary(string({ unit: 'binary' }), string({ unit: 'binary' })), (fields) => {
      for (const msg of ['Webhook delivered', 'Payment intent created', 'Simulated fault', 'x']) {
        expect(show({ ...fields, msg, level: 'info', ts })).not.toMatch(/\p{Cc}|\p{Cf}/u);
      }
    }),
  );
});

test('colours are there when they are wanted', () => {
  const line = JSON.stringify({ level: 'info', ts, msg: 'Payment expired', payment_id, status: 'EXPIRED' });
  expect(createPrettyLines(createPaint(true))(line)).toContain('\u001b[33mEXPIRED\u001b[39m');
});
