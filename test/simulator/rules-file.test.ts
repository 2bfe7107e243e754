import { toJson, create } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { RuleSchema } from '../../gen/simulator/v1/simulator_pb.js';
import { simulatorFieldHints } from '../../src/contracts/simulator-v1/field-hints.ts';
import { readRulesFile, type RulesReading } from '../../src/contracts/simulator-v1/rules-file.ts';
import { ruleToProto } from '../../src/contracts/simulator-v1/simulator-messages.ts';
import type { Violations } from '../../src/payment/violations.ts';
import { findJsonMistakes } from '../../src/server/connect/json-request-check.ts';
import { type Rule, validateRule } from '../../src/simulator/rule.ts';
import { arbitraryRuleInput } from '../support/arbitrary-rules.ts';

function read(text: string, more: { name?: string; taken?: ReadonlyMap<string, string> } = {}): RulesReading {
  return readRulesFile({
    name: 'rules.yaml',
    text,
    findJsonMistakes: (json) => [...findJsonMistakes(RuleSchema, json, simulatorFieldHints)],
    ...more,
  });
}

/** The rules of a file without mistakes. */
function rulesOf(text: string): readonly Rule[] {
  const { rules, mistakes } = read(text);
  expect(mistakes).toEqual([]);
  return rules;
}

const good = `# Who pays decides.
- rule_id: broke
  match: { user_id: broke-*, min_amount: 1000 }
  simulation:
    failure_code: insufficient_funds
  label: "7"

- match:
    method: Get*
  simulation: { api: { code: UNAVAILABLE, retry_after_ms: 500 } }
  times: 2
  per_reservation: true
- simulation: { outcome: SIMULATED_OUTCOME_HOLD }
  one_in: 4
`;

describe('a good file', () => {
  test('has its rules in its order, each with where it stands', () => {
    const rules = rulesOf(good);
    expect(rules).toMatchObject([
      {
        id: 'broke',
        source: 'rules.yaml:2',
        match: { userId: 'broke-*', minAmount: 1000, method: '' },
        behavior: { outcome: 'DECLINE', failureCode: 'insufficient_funds' },
        label: '7',
      },
      {
        id: 'rules.yaml:2',
        source: 'rules.yaml:8',
        behavior: { api: { code: 14, retryAfterMs: 500 } },
        times: 2,
        perReservation: true,
      },
      { id: 'rules.yaml:3', source: 'rules.yaml:13', behavior: { outcome: 'HOLD' }, oneIn: 4 },
    ]);
  });

  test('is the same under "rules", with anchors, in JSON, and with names as JSON usually has them', () => {
    const ids = (text: string) => rulesOf(text).map(({ id, behavior }) => [id, behavior.failureCode]);
    const expected = [
      ['a', 'x'],
      ['b', 'x'],
    ];
    expect(
      ids(
        'rules:\n  - { rule_id: a, simulation: &x { failure_code: x } }\n  - { rule_id: b, simulation: *x }',
      ),
    ).toEqual(expected);
    const json = JSON.stringify(
      {
        rules: [
          { ruleId: 'a', simulation: { failureCode: 'x' } },
          { ruleId: 'b', simulation: { failureCode: 'x' } },
        ],
      },
      null,
      '\t',
    );
    expect(ids(json)).toEqual(expected);
    expect(rulesOf('[]')).toEqual([]);
    expect(rulesOf('rules: []')).toEqual([]);
  });

  test('draws what it drew before when something else in it changes', () => {
    const before = rulesOf(good).map(({ drawText }) => drawText);
    const longer = rulesOf(`- { rule_id: new, simulation: { delay_ms: 1 } }\n${good}`);
    const after = longer.map(({ drawText }) => drawText);
    expect(after).toEqual(['new', ...before]);
    expect(new Set(before).size).toBe(3);
  });

  test.each([
    ['/etc/payment-sim/rules.yaml', 'rules.yaml:1'],
    [String.raw`C:\rules.yaml`, 'rules.yaml:1'],
    ['rules \u202e.yaml', 'rules:1'],
    ['a'.repeat(127), 'rules:1'],
  ])('of the name %j gives ids that everybody takes', (name, id) => {
    const { rules } = read('- simulation: { delay_ms: 1 }', { name });
    expect(rules).toMatchObject([{ id, source: `${name}:1` }]);
  });
});

/** What is told of a file, in which each mistake is told once and by its place. */
const mistakeCases: readonly (readonly [name: string, text: string, mistakes: readonly string[]])[] = [
  ['nothing', '', ['1:1 must be a list of rules']],
  ['a text', 'hello', ['1:1 must be a list of rules']],
  ['another key', '# x\nruls: []', ['2:1 "ruls" is not known']],
  ['another key beside rules', 'rules: []\nother: 1', ['2:1 "other" is not known']],
  ['rules that are no list', 'rules: { a: 1 }', ['1:1 must be a list of rules']],
  ['no YAML', '- a: [1\n- b: "x\n', ['2:1 Flow sequence', '3:1 Missing closing "quote']],
  [
    'a tab that indents',
    '- simulation:\n\tdelay_ms: 1',
    ['2:1 Tabs are not allowed', '2:2 Unexpected', '2:10 Unexpected', '2:12 Unexpected'],
  ],
  ['two documents', '- simulation: { delay_ms: 1 }\n---\n[]', ['2:1 a second document begins']],
  ['an unknown tag', '- simulation: { delay_ms: !int8 1 }', ['1:27 Unresolved tag: !int8']],
  [
    'an unknown anchor',
    '- simulation: *other\n- *b',
    ['1:15 "other" is the name of no anchor', '2:3 "b" is'],
  ],
  ['an anchor without end', '- simulation: &a { refund: *a }', ['1:3 must be a rule']],
  [
    'a rule that is none',
    '- one\n- [1]\n-',
    ['1:3 must be a rule', '2:3 must be a rule', '3:2 must be a rule'],
  ],
  [
    'a key that is there twice',
    '- simulation: { delay_ms: 1 }\n  times: 1\n  times: 2',
    ['3:3 Map keys must be unique'],
  ],
  [
    'unknown fields',
    '- simulation: { delay_ms: 1, delay: 1 }\n  tmies: 1\n  match: { usr_id: x }',
    [
      '1:30 simulation.delay is no field of SimulationOptions',
      '2:3 tmies is no field of Rule; did you mean times?',
      '3:12 match.usr_id is no field of Match; did you mean user_id?',
    ],
  ],
  [
    'wrong types',
    `- label: 7
  match: { user_id: 1, min_amount: 1.5, max_amount: .inf }
  times: two
  per_reservation: yes
  simulation: { api: { code: UNAVIALABLE, message: hi }, outcome: HOLD, refund: [] }`,
    [
      '1:3 label must be text',
      '2:12 match.user_id must be text',
      '2:24 match.min_amount must be a whole number',
      '2:41 match.max_amount must be a whole number',
      '3:3 times must be a whole number',
      '4:3 per_reservation must be true or false',
      '5:24 simulation.api.code must be a code of gRPC',
      '5:58 simulation.outcome must be one of',
      '5:73 simulation.refund must be an object',
    ],
  ],
  [
    'fields without a value',
    '- match:\n  simulation:\n    delay_ms: 1\n    failure_code: ~',
    ['1:3 match must not be empty', '4:5 simulation.failure_code must not be empty'],
  ],
  [
    'what every rule has to be',
    `- rule_id: a/b
  match: { method: Pay, currency: krw, user_id: " x", min_amount: 2, max_amount: 1 }
  times: -1
  skip: -1
  one_in: -1
  label: ${'x'.repeat(513)}
  matched: 1
  simulation:
    failure_code: no good
    delay_ms: -1
    api: { message: x, when: SIMULATED_ERROR_TIME_AFTER, delay_ms: 60001 }
    refund: { outcome: SIMULATED_OUTCOME_HOLD }
    delivery: { copies: 11 }`,
    [
      '1:3 rule_id must be without slashes',
      '2:12 match.method must be one of',
      '2:25 match.currency is not an ISO 4217',
      '2:40 match.user_id must not begin or end',
      '2:70 match.max_amount must not be below',
      '3:3 times must not be below 0',
      '4:3 skip must not be below 0',
      '5:3 one_in must not be below 0',
      '6:3 label must be at most 512',
      '7:3 matched is told by the service',
      '9:5 simulation.failure_code must be 1 to 64',
      '10:5 simulation.delay_ms must be',
      '11:12 simulation.api.message needs a code',
      '11:24 simulation.api.when needs a code',
      '11:58 simulation.api.delay_ms must be',
      '12:15 simulation.refund.outcome must be',
      '13:17 simulation.delivery.copies must be a whole number',
    ],
  ],
  [
    'nothing to happen',
    '- times: 1\n- simulation: {}',
    ['1:3 simulation is required', '2:3 simulation must say'],
  ],
  [
    'per_reservation without a count',
    '- simulation: { delay_ms: 1 }\n  per_reservation: true',
    ['2:3 per_reservation needs times or skip'],
  ],
  [
    'a payment that is decided too late',
    '- match: { method: "*" }\n  simulation: { failure_code: x }',
    ['2:3 simulation must have nothing but api'],
  ],
  [
    'ids that others have',
    `- { rule_id: a, simulation: { delay_ms: 1 } }
- rule_id: a
  simulation: { delay_ms: 1 }
- simulation: { delay_ms: 1 }
  ruleId: magic
- rule_id: rules.yaml:5
  simulation: { delay_ms: 1 }
- simulation: { delay_ms: 1 }`,
    [
      '2:3 rule_id "a" is that of the rule at rules.yaml:1',
      '5:3 rule_id "magic" is that of the rule at magic-users.yaml:9',
      '8:3 rule_id "rules.yaml:5" is that of the rule at rules.yaml:6',
    ],
  ],
  [
    'one field under both of its names',
    '- { rule_id: a, ruleId: b, simulation: { delay_ms: 1 } }',
    ['1:3 must be a rule'],
  ],
];

describe('mistakes', () => {
  test.each(mistakeCases)('%s', (_name, text, expected) => {
    const { mistakes } = read(text, { taken: new Map([['magic', 'magic-users.yaml:9']]) });
    const begins = expected.map((each) => `rules.yaml:${each}`);
    expect(mistakes.map((mistake, index) => mistake.slice(0, begins[index]?.length))).toEqual(begins);
  });

  test('are not repeated without end, and show what is invisible', () => {
    const { mistakes } = read('- x\n'.repeat(1_000));
    expect(mistakes).toHaveLength(101);
    expect(mistakes.at(-1)).toBe('rules.yaml has 900 more mistakes');
    expect(read('"\\u202e": 1').mistakes.join()).not.toContain('\u202e');
    expect(read('- *\u202e').mistakes.join()).not.toContain('\u202e');
  });

  test('no text makes it throw', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '- ',
        '\n',
        '  ',
        'simulation: ',
        '{',
        '}',
        '&a ',
        '*a',
        'match: ',
        ': ',
        '~',
        '---\n',
        '1',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const { rules, mistakes } = read(pieces.join(''));
        expect(rules.length + mistakes.length).toBeGreaterThanOrEqual(0);
        expect(mistakes.every((mistake) => mistake.startsWith('rules.yaml:'))).toBe(true);
      }),
    );
  });
});

test('whatever rule is accepted survives being written as YAML, and as JSON', () => {
  fc.assert(
    fc.property(arbitraryRuleInput, fc.boolean(), (input, isJson) => {
      const violations: Violations = [];
      const rule = validateRule(violations, input, { newId: () => 'rules.yaml:1', source: 'rules.yaml:1' });
      fc.pre(violations.length === 0);
      const message = create(RuleSchema, ruleToProto({ rule, sessionId: '', matched: 0 }));
      message.ruleId = input.id;
      message.source = '';
      const json = [toJson(RuleSchema, message, { useProtoFieldName: true })];
      expect(rulesOf(isJson ? JSON.stringify(json) : stringify(json))).toEqual([rule]);
    }),
    { numRuns: 500 },
  );
});
