import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { createGrpcSteeringClient } from '../support/clients/steering-client.ts';
import { closing, inSession, launchSteered, type SteeredService } from '../support/steering.ts';

/* What a tester may not ask for: every refusal names the field and says what to do. */

let sim: SteeredService;

beforeAll(async () => {
  sim = await launchSteered();
});

afterAll(() => sim.app.stop());

const declined: JsonObject = { failure_code: 'x' };
const wantedAmount = 'must be a whole number from 0 to 9007199254740991';
const visible = 'must be without control and invisible characters';
const long = 'a'.repeat(513);

/** A request, the field that is named, and how its description begins. */
type Row = readonly [JsonObject, string, string];

const rules: readonly Row[] = [
  [{}, 'rule.simulation', 'is required: what shall happen, such as {"failure_code": "insufficient_funds"}'],
  [{ simulation: {} }, 'rule.simulation', 'must say what shall happen, such as'],
  [{ simulation: declined, times: -1 }, 'rule.times', 'must not be below 0'],
  [{ simulation: declined, skip: -1 }, 'rule.skip', 'must not be below 0'],
  [{ simulation: declined, one_in: -1 }, 'rule.one_in', 'must not be below 0'],
  [
    { simulation: declined, per_reservation: true },
    'rule.per_reservation',
    'needs times or skip, which it is about',
  ],
  [{ simulation: declined, label: long }, 'rule.label', 'must be at most 512 characters long'],
  [{ simulation: declined, matched: '1' }, 'rule.matched', 'is told by the service; leave it out'],
  [{ simulation: declined, source: 'api' }, 'rule.source', 'is told by the service; leave it out'],
  [
    { simulation: declined, rule_id: 'a,b' },
    'rule.rule_id',
    'must be 1 to 128 visible ASCII characters, without commas',
  ],
  [
    { simulation: declined, match: { method: 'Refund' } },
    'rule.match.method',
    'must be one of CreatePaymentIntent, GetPaymentStatus, ',
  ],
  [
    { simulation: declined, match: { method: 'X*' } },
    'rule.match.method',
    'must be one of CreatePaymentIntent, ',
  ],
  [{ simulation: declined, match: { user_id: 'a\nb' } }, 'rule.match.user_id', visible],
  [
    { simulation: declined, match: { reservation_id: 'a/*' } },
    'rule.match.reservation_id',
    'must be without slashes',
  ],
  [
    { simulation: declined, match: { currency: 'won' } },
    'rule.match.currency',
    'is not an ISO 4217 currency code',
  ],
  [{ simulation: declined, match: { min_amount: '-1' } }, 'rule.match.min_amount', wantedAmount],
  [
    { simulation: declined, match: { max_amount: '9007199254740992' } },
    'rule.match.max_amount',
    wantedAmount,
  ],
  [
    { simulation: declined, match: { min_amount: '2', max_amount: '1' } },
    'rule.match.max_amount',
    'must not be below min_amount',
  ],
  [
    { simulation: declined, match: { webhook_url: 'a'.repeat(2_049) } },
    'rule.match.webhook_url',
    'must be at most 2048 characters long',
  ],
  [{ simulation: declined, match: { method: '*' } }, 'rule.simulation', 'must have nothing but api: '],
  [
    { simulation: { delay_ms: 0 }, match: { method: 'GetPaymentStatus' } },
    'rule.simulation',
    'must have nothing but api: ',
  ],
  [
    { simulation: { api: { code: 1 } }, match: { method: 'ListPayments', currency: 'KRW' } },
    'rule.match',
    'must be by user_id and reservation_id alone',
  ],
  [
    { simulation: { delivery: {} } },
    'rule.simulation.delivery',
    'must say what shall happen, such as {"copies": 2}',
  ],
  [
    { simulation: { delay_ms: 86_400_001 } },
    'rule.simulation.delay_ms',
    'must be a whole number from 0 to 86400000',
  ],
  [
    { simulation: { outcome: 9 } },
    'rule.simulation.outcome',
    'must be one of SIMULATED_OUTCOME_UNSPECIFIED (0',
  ],
  [{ simulation: { outcome: 3, delay_ms: 0 } }, 'rule.simulation.delay_ms', 'contradicts the outcome HOLD'],
  [
    { simulation: { outcome: 1, failure_code: 'a' } },
    'rule.simulation.failure_code',
    'contradicts the outcome',
  ],
  [
    { simulation: { outcome: 4, failure_code: 'a' } },
    'rule.simulation.failure_code',
    'contradicts the outcome',
  ],
  [{ simulation: { failure_code: 'a-b' } }, 'rule.simulation.failure_code', 'must be '],
  [
    { simulation: { api: {} } },
    'rule.simulation.api',
    'must have a code other than OK, a delay_ms or drop_connection',
  ],
  [
    { simulation: { api: { code: 17 } } },
    'rule.simulation.api.code',
    'must be a code of gRPC, such as UNAVAILABLE (14)',
  ],
  [{ simulation: { api: { code: -1 } } }, 'rule.simulation.api.code', 'must be a code of gRPC'],
  [
    { simulation: { api: { code: 1, message: long } } },
    'rule.simulation.api.message',
    'must be at most 512 characters long',
  ],
  [
    { simulation: { api: { code: 1, delay_ms: -1 } } },
    'rule.simulation.api.delay_ms',
    'must be a whole number from 0 to 60000',
  ],
  [
    { simulation: { api: { code: 1, retry_after_ms: -1 } } },
    'rule.simulation.api.retry_after_ms',
    'must be a whole number',
  ],
  [
    { simulation: { api: { code: 1, when: 7 } } },
    'rule.simulation.api.when',
    'must be one of SIMULATED_ERROR_TIME_',
  ],
  [
    { simulation: { api: { delay_ms: 1, when: 1 } } },
    'rule.simulation.api.when',
    'needs a code other than OK, or drop_connection',
  ],
  [
    { simulation: { api: { delay_ms: 1, retry_after_ms: 1 } } },
    'rule.simulation.api.retry_after_ms',
    'needs a code other than OK',
  ],
  [
    { simulation: { api: { code: 1, drop_connection: true } } },
    'rule.simulation.api.drop_connection',
    'contradicts the code',
  ],
  [{ simulation: { refund: { outcome: 3 } } }, 'rule.simulation.refund.outcome', 'must be '],
  [{ simulation: { refund: { delay_ms: -1 } } }, 'rule.simulation.refund.delay_ms', 'must be a whole number'],
  [
    { simulation: { refund: { outcome: 1, failure_code: 'a' } } },
    'rule.simulation.refund.failure_code',
    'contradicts the outcome',
  ],
];

const sessions: readonly Row[] = [
  [
    { session_id: 'other' },
    'session.session_id',
    'must be that of the header payment-sim-session, which is "a"',
  ],
  [{ claims: {} }, 'session.claims', 'must name something: everything belongs to the global session anyway'],
  [{ claims: { user_id: '*' } }, 'session.claims', 'must name something'],
  [
    { claims: { method: 'C*', user_id: 'a' } },
    'session.claims.method',
    'must be empty: a session claims payments',
  ],
  [{ claims: { currency: 'won' } }, 'session.claims.currency', 'is not an ISO 4217 currency code'],
  [
    { claims: { min_amount: '2', max_amount: '1' } },
    'session.claims.max_amount',
    'must not be below min_amount',
  ],
  [{ webhook_url: 'ftp://a' }, 'session.webhook_url', 'must start with http:// or https://'],
  [{ idle_ttl: '0.5s' }, 'session.idle_ttl', 'must be from 1 to 86400 seconds, such as "1800s"'],
  [{ idle_ttl: '86401s' }, 'session.idle_ttl', 'must be from 1 to 86400 seconds'],
  [{ idle_ttl: '-1s' }, 'session.idle_ttl', 'must be from 1 to 86400 seconds'],
  [{ idle_ttl: '315576000000s' }, 'session.idle_ttl', 'must be from 1 to 86400 seconds'],
  [{ default: { outcome: 3, delay_ms: 1 } }, 'session.default.delay_ms', 'contradicts the outcome HOLD'],
  [{ default: { api: { code: 99 } } }, 'session.default.api.code', 'must be a code of gRPC'],
];

describe('CreateRule', () => {
  test.each(rules)('%j', async (rule, field, description) => {
    const { code, text, violations } = await sim.call('CreateRule', { rule }, inSession('a'));
    expect(violations).toContainEqual({ field, description: expect.stringContaining(description) as string });
    expect([code, text]).toEqual(['INVALID_ARGUMENT', expect.stringContaining(`${field}: `)]);
  });

  test('all that is wrong is told at once, over gRPC too, and nothing is kept', async () => {
    const { call } = closing(createGrpcSteeringClient(sim.apiUrl));
    const rule = {
      rule_id: ',',
      match: { user_id: ' ', currency: 'x' },
      simulation: { delay_ms: -1 },
      times: -1,
    };
    const { violations } = await call('CreateRule', { rule });
    expect(violations.map(({ field }) => field)).toEqual([
      'rule.rule_id',
      'rule.match.user_id',
      'rule.match.currency',
      'rule.simulation.delay_ms',
      'rule.times',
    ]);
    expect(await sim.rules('*')).toEqual([]);
  });
});

describe('UpdateSession', () => {
  test.each(sessions)('%j', async (session, field, description) => {
    const { code, violations } = await sim.call('UpdateSession', { session }, inSession('a'));
    expect(violations).toContainEqual({ field, description: expect.stringContaining(description) as string });
    expect(code).toBe('INVALID_ARGUMENT');
  });
});

test.each([
  ['CreateRule', {}, 'rule', 'is required: {"match": '],
  ['UpdateSession', {}, 'session', 'is required: {"default": '],
  ['DeleteRule', {}, 'rule_id', 'is required'],
  ['UpdateSession', { session: { session_id: 'a' } }, 'session.session_id', 'which is not there'],
] as const)('%s %j', async (method, request, field, description) => {
  const { violations } = await sim.call(method, request);
  expect(violations).toEqual([{ field, description: expect.stringContaining(description) as string }]);
});

test.each([
  ['CreateRule', { rule: 5 }, 'rule', '{"match": {"user_id": "user-1"}, '],
  ['CreateRule', { rule: { match: 5 } }, 'rule.match', '{"user_id": "user-1"}'],
  ['CreateRule', { rule: { match: { min_amount: 'many' } } }, 'rule.match.min_amount', 'whole number'],
  ['UpdateSession', { session: { idle_ttl: 'soon' } }, 'session.idle_ttl', 'seconds with an "s"'],
  ['UpdateSession', { session: { claims: [] } }, 'session.claims', '{"user_id": "user-1"}'],
] as const)(
  '%s with JSON that is none of its messages, %j, says what it should be',
  async (method, request, field, hint) => {
    const { code, text } = await sim.call(method, request as unknown as JsonObject);
    expect([code, text]).toEqual(['INVALID_ARGUMENT', expect.stringMatching(new RegExp(`^${field}: `))]);
    expect(text).toContain(hint);
  },
);
