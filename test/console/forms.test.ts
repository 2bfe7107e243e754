import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asCurl, asGo, asGrpcurl } from '../../console/src/core/copy-as.ts';
import { failureCodes } from '../../console/src/core/failure-codes.ts';
import { type FieldSpec, toMessageJson, toValues } from '../../console/src/core/fields.ts';
import { describeMatch, describeOptions } from '../../console/src/core/in-words.ts';
import { optionFields } from '../../console/src/core/option-fields.ts';
import { asRulesFile, ruleOf, templates } from '../../console/src/pages/rules/rule-fields.ts';
import { sessionFields } from '../../console/src/pages/sessions/session-fields.ts';
import {
  SimulatedApiSchema,
  SimulatedDeliverySchema,
  SimulatedRefundSchema,
  SimulationOptionsSchema,
} from '../../gen/payment/v1/payment_pb.js';
import { RuleSchema, SessionSchema } from '../../gen/simulator/v1/simulator_pb.js';
import { readRulesFile } from '../../src/contracts/simulator-v1/rules-file.ts';

/* What the console's forms make. */

describe('the fields of the options', () => {
  test('are all that the contract has', () => {
    const parts = {
      api: SimulatedApiSchema,
      delivery: SimulatedDeliverySchema,
      refund: SimulatedRefundSchema,
    };
    const wanted = SimulationOptionsSchema.fields.flatMap(({ name }) =>
      Object.hasOwn(parts, name)
        ? parts[name as keyof typeof parts].fields.map((field) => `s.${name}.${field.name}`)
        : [`s.${name}`],
    );
    expect(new Set(optionFields('s').map(({ path }) => path))).toEqual(new Set(wanted));
  });

  test('offer nothing that the contract does not know', () => {
    for (const { path, choices = [] } of optionFields('s')) {
      for (const [value] of choices) {
        const { s } = toMessageJson([{ path, kind: 'choice', label: ['', ''] }], { [path]: value });
        expect(() => fromJson(SimulationOptionsSchema, s ?? {}), `${path} ${value}`).not.toThrow();
      }
    }
  });
});

test('the failure codes are those of the magic users', () => {
  const users = readFileSync(new URL('../../rules/magic-users.yaml', import.meta.url), 'utf8');
  const codes = [...users.matchAll(/\bfailure_code: (\w+)/g)].map(([, code]) => code);
  expect(failureCodes).toEqual(codes);
});

test('a form makes the message that it was filled from', () => {
  const specs: readonly FieldSpec[] = [
    { path: 'a', kind: 'text', label: ['', ''] },
    { path: 'b.c', kind: 'number', label: ['', ''] },
    { path: 'b.d', kind: 'check', label: ['', ''] },
  ];
  const text = fc.string({ minLength: 1 });
  const messages = fc.record({ a: text, b: fc.record({ c: fc.integer(), d: fc.constant(true) }) });
  fc.assert(
    fc.property(messages, (message) => {
      expect(toMessageJson(specs, toValues(specs, message))).toEqual(message);
    }),
  );
  expect(toMessageJson(specs, { a: '', 'b.c': '', 'b.d': '' })).toEqual({});
  expect(toMessageJson(specs, { 'b.c': '12345678901234567890' })).toEqual({
    b: { c: '12345678901234567890' },
  });
  expect(toMessageJson(specs, { 'b.c': 'many' })).toEqual({ b: { c: 'many' } });
});

describe('rules', () => {
  test.each(templates.map(({ label: [name], values }) => [name, values] as const))(
    '"%s" is one that a file may have, and says so in words',
    (_name, values) => {
      const rule = ruleOf({
        ...values,
        'rule.rule_id': "it's",
        'rule.label': 'a: "b" # c',
        'rule.match.user_id': 'u*',
      });
      const { rules, mistakes } = readRulesFile({
        name: 'rules.yaml',
        text: asRulesFile(rule),
        findJsonMistakes: () => [],
      });
      expect(mistakes).toEqual([]);
      expect(rules).toMatchObject([{ id: "it's", label: 'a: "b" # c', match: { userId: 'u*' } }]);
      const { match, simulation } = fromJson(RuleSchema, rule);
      expect(describeMatch(match)).toBe('user_id = u*');
      expect(describeOptions(simulation)).not.toBe('');
    },
  );

  test('in words are the fields that are given', () => {
    const rule: JsonObject = {
      match: { user_id: 'u', min_amount: 5, max_amount: 9, webhook_url: 'http://a/*' },
      simulation: {
        outcome: 'SIMULATED_OUTCOME_DECLINE',
        failure_code: 'lost_card',
        api: { code: 'UNAVAILABLE', when: 'SIMULATED_ERROR_TIME_AFTER' },
        delivery: { drop: true },
      },
    };
    const { match, simulation } = fromJson(RuleSchema, rule);
    expect(describeMatch(match)).toBe('user_id = u, webhook_url = http://a/*, amount ≥ 5, amount ≤ 9');
    expect(describeOptions(simulation)).toBe(
      'outcome DECLINE, failure_code lost_card, api.code UNAVAILABLE, api.when AFTER, delivery.drop',
    );
  });
});

test('the form of a session knows what a session has', () => {
  const names = new Set(sessionFields.map(({ path }) => path.split('.')[1]));
  const told = new Set(['session_id', 'now']);
  expect(names).toEqual(
    new Set(SessionSchema.fields.map(({ name }) => name).filter((name) => !told.has(name))),
  );
});

function call(json: string, session: string) {
  return { service: 'a.B', method: 'C', json, session };
}

describe('a call in the words of other tools', () => {
  test('the shell gives curl and grpcurl what was meant, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        fc.string({ minLength: 1 }).filter((text) => !text.includes('\0')),
        (text, session) => {
          const json = JSON.stringify({ text });
          for (const command of [
            asCurl('http://h:1', call(json, session)),
            asGrpcurl('http://h:1', call(json, session)),
          ]) {
            const [, ...words] = command.split(' ');
            const shown = execFileSync('sh', ['-c', `printf '%s\\0' ${words.join(' ')}`], {
              encoding: 'utf8',
            }).split('\0');
            expect(shown).toContain(json);
            expect(shown).toContain(`payment-sim-session: ${session}`);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('without a session it is not named', () => {
    for (const write of [asCurl, asGrpcurl, asGo]) {
      expect(write('http://h:1', call('{}', ''))).not.toContain('payment-sim-session');
      expect(write('http://h:1', call('{}', 's'))).toContain('payment-sim-session');
    }
  });
});
