import { type CallFacts, fits, methodsOf, type PaymentMethodName } from './match.ts';
import type { Rule } from './rule.ts';

/** Finds the rules that fit a call without asking each. */
export interface RuleIndex {
  /** Those that fit, in the order in which they are asked. */
  find(facts: CallFacts): readonly Rule[];
  /** Whether any is about a method. */
  isAbout(method: PaymentMethodName): boolean;
}

interface Ranked {
  readonly rule: Rule;
  readonly rank: number;
}

/** The rules about one method. */
interface MethodRules {
  readonly byUser: Map<string, Ranked[]>;
  readonly byReservation: Map<string, Ranked[]>;
  /** Those that name neither in full. */
  readonly others: Ranked[];
}

const none: readonly Rule[] = [];
const noRanked: readonly Ranked[] = [];

/** @param rules in the order in which they are asked. */
export function createRuleIndex(rules: readonly Rule[]): RuleIndex {
  const byMethod = new Map<PaymentMethodName, MethodRules>();
  rules.forEach((rule, rank) => {
    for (const method of methodsOf(rule.match)) {
      addRule(byMethod, method, { rule, rank });
    }
  });
  return {
    find: (facts) => find(byMethod.get(facts.method), facts),
    isAbout: (method) => byMethod.has(method),
  };
}

function addRule(
  byMethod: Map<PaymentMethodName, MethodRules>,
  method: PaymentMethodName,
  ranked: Ranked,
): void {
  const rules: MethodRules = byMethod.get(method) ?? {
    byUser: new Map(),
    byReservation: new Map(),
    others: [],
  };
  byMethod.set(method, rules);
  const { userId, reservationId } = ranked.rule.match;
  if (isWhole(userId)) {
    addTo(rules.byUser, userId, ranked);
  } else if (isWhole(reservationId)) {
    addTo(rules.byReservation, reservationId, ranked);
  } else {
    rules.others.push(ranked);
  }
}

function isWhole(pattern: string): boolean {
  return pattern !== '' && !pattern.endsWith('*');
}

function addTo(lists: Map<string, Ranked[]>, key: string, ranked: Ranked): void {
  const list = lists.get(key);
  if (list === undefined) {
    lists.set(key, [ranked]);
  } else {
    list.push(ranked);
  }
}

function find(rules: MethodRules | undefined, facts: CallFacts): readonly Rule[] {
  if (rules === undefined) {
    return none;
  }
  const ofUser = rules.byUser.get(facts.userId) ?? noRanked;
  const ofReservation = rules.byReservation.get(facts.reservationId) ?? noRanked;
  const found = [ofUser, ofReservation, rules.others].flatMap((list) =>
    list.length === 0 ? [] : list.filter(({ rule }) => fits(rule.match, facts)),
  );
  return found.length === 0 ? none : found.toSorted((a, b) => a.rank - b.rank).map(({ rule }) => rule);
}
