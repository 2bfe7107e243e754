import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ApiBehavior, Behavior } from '../../src/payment/behavior.ts';
import { addsTo, mergeBehaviors } from '../../src/payment/merge-behaviors.ts';

const api: fc.Arbitrary<ApiBehavior> = fc.record({
  code: fc.constantFrom(0, 14),
  message: fc.constantFrom('', 'a', 'b'),
  delayMs: fc.nat(2),
  retryAfterMs: fc.constant(0),
  when: fc.constantFrom('BEFORE', 'AFTER'),
  drop: fc.boolean(),
});

/** All that pass the checks: none contradicts itself. */
const behaviors: fc.Arbitrary<Behavior> = fc
  .record(
    {
      delayMs: fc.nat(3),
      outcome: fc.constantFrom('APPROVE', 'DECLINE', 'HOLD', 'EXPIRE'),
      failureCode: fc.constantFrom('a', 'b', 'c'),
      api,
      refund: fc.record({ delayMs: fc.nat(2), failureCode: fc.constantFrom(undefined, 'd') }),
    },
    { requiredKeys: [] },
  )
  .filter((behavior) => problemOf(behavior) === undefined);

function problemOf({ outcome, delayMs, failureCode }: Behavior): string | undefined {
  if (outcome === 'HOLD' && delayMs !== undefined) {
    return 'held, with a delay';
  }
  return failureCode !== undefined && outcome !== 'DECLINE' ? 'a failure code without a decline' : undefined;
}

const names = ['delayMs', 'outcome', 'failureCode', 'api', 'refund'] as const;
const merged = (list: readonly Behavior[]) => list.reduce(mergeBehaviors, {});
const check = <T>(property: fc.IProperty<T>) => fc.assert(property, { numRuns: 2_000 });

test('what does not contradict itself is merged to what does not', () => {
  check(fc.property(fc.array(behaviors), (list) => problemOf(merged(list)) === undefined));
});

test('what the first says stays, and nothing comes that nobody said', () => {
  check(
    fc.property(behaviors, behaviors, (first, second) => {
      const result = mergeBehaviors(first, second);
      for (const name of names) {
        if (first[name] === undefined) {
          expect([undefined, second[name]]).toContain(result[name]);
        } else {
          expect(result[name]).toBe(first[name]);
        }
      }
    }),
  );
});

test('what the second says is left out only where it would contradict the first', () => {
  check(
    fc.property(behaviors, behaviors, (first, second) => {
      const result = mergeBehaviors(first, second);
      for (const name of names) {
        if (first[name] === undefined && second[name] !== result[name]) {
          expect(problemOf({ ...result, [name]: second[name] })).toBeDefined();
        }
      }
    }),
  );
});

test('answers and refunds are those of the first of many that says anything of them', () => {
  check(
    fc.property(fc.array(behaviors), (list) => {
      const result = merged(list);
      expect(result.api).toBe(list.find((each) => each.api !== undefined)?.api);
      expect(result.refund).toBe(list.find((each) => each.refund !== undefined)?.refund);
    }),
  );
});

test('one that adds nothing changes nothing, and none adds anything to itself', () => {
  check(
    fc.property(behaviors, behaviors, (first, second) => {
      const result = mergeBehaviors(first, second);
      const isSame = names.every((name) => result[name] === first[name]);
      expect(addsTo(first, second)).toBe(!isSame);
      expect(addsTo(result, second)).toBe(false);
      expect(addsTo(first, first)).toBe(false);
    }),
  );
});

test('the order of merging counts: it is from the first to the last, one after the other', () => {
  // Who is left out for a contradiction still hides others when it is merged with them before.
  const delayed: Behavior = { delayMs: 5 };
  const held: Behavior = { outcome: 'HOLD' };
  const approved: Behavior = { outcome: 'APPROVE' };
  expect(merged([delayed, held, approved])).toMatchObject({ delayMs: 5, outcome: 'APPROVE' });
  expect(mergeBehaviors(delayed, mergeBehaviors(held, approved)).outcome).toBeUndefined();
});
