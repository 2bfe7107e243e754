import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { describe, expect, test } from 'vitest';
import type { FieldValues } from '../../console/src/core/fields.ts';
import { checkNumbers, objectOf, partOf, valuesOf } from '../../console/src/core/form-json.ts';
import {
  asRulesFile,
  beginWith,
  ruleForm,
  ruleOf,
  templates,
} from '../../console/src/pages/rules/rule-fields.ts';
import {
  hasSettings,
  sessionForm,
  valuesOfSession,
} from '../../console/src/pages/sessions/session-fields.ts';
import { spanMs } from '../../console/src/pages/sessions/spans.ts';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.js';
import { RuleSchema, SessionSchema } from '../../gen/simulator/v1/simulator_pb.js';
import { readRulesFile } from '../../src/contracts/simulator-v1/rules-file.ts';

/* What is written in a form's fields is what is written as its JSON. */

const full: JsonObject = {
  rule_id: 'r',
  label: 'l',
  match: {
    method: 'CreatePaymentIntent',
    user_id: 'u*',
    reservation_id: 'r',
    currency: 'KRW',
    min_amount: '1',
    max_amount: '9007199254740991',
    webhook_url: 'http://a/*',
  },
  simulation: {
    failure_code: 'lost_card',
    delay_ms: 0,
    api: { code: 'UNAVAILABLE', when: 'SIMULATED_ERROR_TIME_AFTER', delay_ms: 1, retry_after_ms: 2 },
    delivery: { channel: 'SIMULATED_CHANNEL_WEBHOOK', copies: 2, hold_until_next_event: true },
    refund: { outcome: 'SIMULATED_OUTCOME_DECLINE', delay_ms: 3 },
  },
  times: 1,
  skip: 2,
  one_in: 3,
  per_reservation: true,
};

describe('a rule', () => {
  test('with everything goes from JSON to fields, and back', () => {
    const rule = ruleOf(valuesOf(ruleForm, JSON.stringify(full)));
    expect(fromJson(RuleSchema, rule)).toEqual(fromJson(RuleSchema, full));
  });

  test('with everything is read back by the reader of RULES_FILE', () => {
    const { rules, mistakes } = readRulesFile({
      name: 'f.yaml',
      text: asRulesFile(full),
      findJsonMistakes: () => [],
    });
    expect(mistakes).toEqual([]);
    expect(rules).toMatchObject([
      {
        id: 'r',
        label: 'l',
        skip: 2,
        times: 1,
        oneIn: 3,
        perReservation: true,
        match: { maxAmount: 9007199254740991 },
      },
    ]);
  });

  test('may be written in any way that JSON has; what only the service says is left out', () => {
    const text =
      '{"ruleId": "r", "oneIn": "3", "matched": "7", "source": "api", "simulation": {"outcome": 2}}';
    expect(ruleOf(valuesOf(ruleForm, text))).toEqual({
      rule_id: 'r',
      one_in: 3,
      simulation: { outcome: 'SIMULATED_OUTCOME_DECLINE' },
    });
  });

  test.each(['', '[]', '{"a', '{"tims": 1}', '{"times": "many"}'])('is not %s', (text) => {
    expect(() => valuesOf(ruleForm, text)).toThrow(ConnectError);
  });

  test('is not there yet while JSON is being written', () => {
    expect(['', '{', '[]', 'null', '1'].map(objectOf)).toEqual(Array(5).fill(undefined));
    expect(objectOf('{"a": 1}')).toEqual({ a: 1 });
  });

  test('that nobody has written anything in is a rule of a file without anything', () => {
    const { mistakes } = readRulesFile({ name: 'f.yaml', text: asRulesFile({}), findJsonMistakes: () => [] });
    expect(mistakes).toEqual([expect.stringContaining('simulation')]);
  });
});

test('a template leaves what it is about, and takes nothing of the one before', () => {
  const typed: FieldValues = {
    'rule.rule_id': 'r',
    'rule.label': 'l',
    'rule.match.user_id': 'u',
    'rule.skip': '1',
  };
  const both = templates.reduce((before, { values }) => beginWith(values, before), typed);
  expect(both).toEqual({
    'rule.rule_id': 'r',
    'rule.label': 'l',
    'rule.match.user_id': 'u',
    ...templates.at(-1)?.values,
  });
});

test('what is no number is told at its field', () => {
  const values = { 'rule.times': 'many', 'rule.skip': '1.5', 'rule.one_in': '-1', 'rule.label': 'x' };
  let error: unknown;
  try {
    checkNumbers(ruleForm.specs, values);
  } catch (thrown) {
    error = thrown;
  }
  const [details] = ConnectError.from(error).findDetails(BadRequestSchema);
  expect(details?.fieldViolations.map(({ field }) => field)).toEqual(['rule.times', 'rule.skip']);
});

describe('a session', () => {
  test('with everything goes from its settings to fields, and back', () => {
    const session = fromJson(SessionSchema, {
      session_id: 's',
      now: '2026-11-27T12:00:00Z',
      default: { delay_ms: 5, api: { delay_ms: 1 } },
      claims: { user_id: 'u*', min_amount: 5 },
      manual_clock: true,
      webhook_url: 'http://a/',
      seed: 0,
      idle_ttl: '600s',
    });
    const settings = fromJson(SessionSchema, partOf(sessionForm, valuesOfSession(session)));
    expect({ ...settings, sessionId: 's', now: session.now }).toEqual({ ...session });
  });

  test('has settings, or only a name', () => {
    expect(hasSettings(undefined)).toBe(false);
    expect(hasSettings(fromJson(SessionSchema, { session_id: 's' }))).toBe(false);
    expect(hasSettings(fromJson(SessionSchema, { session_id: 's', seed: 0 }))).toBe(true);
    expect(hasSettings(fromJson(SessionSchema, { claims: { currency: 'KRW' } }))).toBe(true);
  });
});

test.each([
  ['250ms', 250],
  ['90s', 90_000],
  [' 1.5 H ', 5_400_000],
  ['1h 30min', 5_400_000],
  ['1h30m5s', 5_405_000],
  ['31d', 2_678_400_000],
  ['', undefined],
  ['0s', undefined],
  ['90', undefined],
  ['-1s', undefined],
  ['1 hour', undefined],
  ['1h x', undefined],
  ['9'.repeat(30) + 'd', undefined],
])('a clock is moved by %j: %s', (text, ms) => {
  expect(spanMs(text)).toBe(ms);
});
