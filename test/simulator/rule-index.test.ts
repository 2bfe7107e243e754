import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CallFacts, type Match, matchesAllCreates, paymentMethods } from '../../src/simulator/match.ts';
import { createRuleIndex } from '../../src/simulator/rule-index.ts';
import type { Rule } from '../../src/simulator/rule.ts';

function ruleOf(id: string, match: Match): Rule {
  const counts = { times: 0, skip: 0, oneIn: 0, perReservation: false };
  return { id, match, behavior: {}, ...counts, label: '', source: 'api', drawText: id };
}

const texts = ['a', 'ab', 'abc', 'b', '*'];
const patterns = fc.constantFrom('', ...texts, 'a*', 'ab*', 'b*', '**', 'a*c');
const amounts = fc.constantFrom(0, 1, 2, 3);

const matches: fc.Arbitrary<Match> = fc.record({
  method: fc.constantFrom('', '*', 'Create*', 'CreatePaymentIntent', 'Get*', 'ListPayments', 'P*'),
  userId: patterns,
  reservationId: patterns,
  currency: fc.constantFrom('', 'KRW', 'K*'),
  minAmount: amounts,
  maxAmount: amounts,
  webhookUrl: fc.constantFrom('', 'http://a/*', 'http://a/b'),
});

const facts: fc.Arbitrary<CallFacts> = fc.record({
  method: fc.constantFrom(...paymentMethods),
  userId: fc.constantFrom('', ...texts),
  reservationId: fc.constantFrom('', ...texts),
  currency: fc.constantFrom('', 'KRW', 'USD'),
  amount: amounts,
  webhookUrl: fc.constantFrom('', 'http://a/', 'http://a/b', 'http://b/'),
});

function fitsText([pattern, text]: readonly [string, string]): boolean {
  return (
    pattern === '' || pattern === text || (pattern.endsWith('*') && text.indexOf(pattern.slice(0, -1)) === 0)
  );
}

/** As the contract has it, asked of each rule. */
function fitsAsContractSays(match: Match, call: CallFacts): boolean {
  const asked: readonly (readonly [string, string])[] = [
    [match.method === '' ? 'CreatePaymentIntent' : match.method, call.method],
    [match.userId, call.userId],
    [match.reservationId, call.reservationId],
    [match.currency, call.currency],
    [match.webhookUrl, call.webhookUrl],
  ];
  return (
    asked.every(fitsText) &&
    !(match.minAmount > 0 && call.amount < match.minAmount) &&
    // What has no amount is not below any.
    !(match.maxAmount > 0 && (call.amount > match.maxAmount || call.amount === 0))
  );
}

test('finds what asking every rule finds, in the same order', () => {
  fc.assert(
    fc.property(fc.array(matches, { maxLength: 30 }), facts, (list, call) => {
      const rules = list.map((match, index) => ruleOf(String(index), match));
      const expected = rules.filter(({ match }) => fitsAsContractSays(match, call));
      expect(
        createRuleIndex(rules)
          .find(call)
          .map(({ id }) => id),
      ).toEqual(expected.map(({ id }) => id));
    }),
    { numRuns: 3_000 },
  );
});

test('is about a method when some call of it might fit', () => {
  fc.assert(
    fc.property(fc.array(matches, { maxLength: 5 }), facts, (list, call) => {
      const index = createRuleIndex(list.map((match, at) => ruleOf(String(at), match)));
      if (index.find(call).length > 0) {
        expect(index.isAbout(call.method)).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
  const index = createRuleIndex([
    ruleOf('1', matchesAllCreates),
    ruleOf('2', { ...matchesAllCreates, method: 'Get*' }),
  ]);
  expect(paymentMethods.filter((method) => index.isAbout(method))).toEqual([
    'CreatePaymentIntent',
    'GetPaymentStatus',
  ]);
});
