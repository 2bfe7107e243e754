import * as fc from 'fast-check';
import type { BehaviorInput } from '../../src/payment/behavior.ts';
import { type MatchInput, paymentMethods } from '../../src/simulator/match.ts';
import type { RuleInput } from '../../src/simulator/rule.ts';

/* Rules as they come in, most of them good. */

/** Also such as YAML would take for something else. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    '7',
    'true',
    'null',
    '~',
    '- a',
    'a: b',
    '# a',
    '*',
    '1e3',
    '0x1',
    '{}',
    '"',
    "'",
    '|',
    '<<',
  ),
);
const nothing = fc.constant('');
const pattern = fc.oneof(
  nothing,
  text,
  text.map((start) => `${start}*`),
);
const failureCode = fc.oneof(nothing, fc.stringMatching(/^\w{1,64}$/));
const delayMs = fc.option(fc.nat({ max: 60_000 }), { nil: undefined });
const maybeZero = fc.oneof(fc.constant(0), fc.nat({ max: 2 ** 31 - 1 }));

const match: fc.Arbitrary<MatchInput> = fc.record({
  method: fc.oneof(nothing, fc.constantFrom(...paymentMethods, 'Create*', 'C*', '*')),
  userId: pattern,
  reservationId: pattern,
  currency: fc.constantFrom('', 'KRW', 'U*'),
  minAmount: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) })),
  maxAmount: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) })),
  webhookUrl: fc.oneof(nothing, fc.webUrl(), text),
});

const api = fc.record({
  code: fc.nat({ max: 16 }),
  message: fc.oneof(nothing, text),
  delayMs: fc.nat({ max: 60_000 }),
  retryAfterMs: fc.oneof(fc.constant(0), fc.nat({ max: 60_000 })),
  when: fc.constantFrom(undefined, 'BEFORE' as const, 'AFTER' as const),
  drop: fc.boolean(),
});

const simulation: fc.Arbitrary<BehaviorInput> = fc.record(
  {
    delayMs,
    outcome: fc.constantFrom(undefined, 'APPROVE', 'DECLINE', 'HOLD', 'EXPIRE'),
    failureCode,
    api: fc.option(api, { nil: undefined }),
    refund: fc.option(
      fc.record({ outcome: fc.constantFrom(undefined, 'APPROVE', 'DECLINE'), delayMs, failureCode }),
      { nil: undefined },
    ),
  },
  { requiredKeys: [] },
);

export const arbitraryRuleInput: fc.Arbitrary<RuleInput> = fc.record({
  id: fc.oneof(nothing, text),
  match: fc.option(match, { nil: undefined }),
  simulation,
  times: maybeZero,
  skip: maybeZero,
  oneIn: maybeZero,
  perReservation: fc.boolean(),
  label: fc.oneof(nothing, text, fc.string({ unit: 'binary', maxLength: 20 })),
  matched: fc.constant(0n),
  source: fc.constant(''),
  sessionId: fc.constant(''),
});
