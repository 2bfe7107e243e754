import { type CallFacts, fits, type Match, methodsOf, type PaymentMethodName } from './match.ts';
import type { Rule } from './rule.ts';

/** Finds the rules that fit a call without asking each: a thousand that do not must cost next to nothing. */
export interface RuleIndex {
  /** Those that fit, in the order in which they are asked. */
  find(facts: CallFacts): readonly Rule[];
  /** Whether one may fit a call of a user; false at once where all name other users in full. */
  mayFit(method: PaymentMethodName, userId: string): boolean;
  /** Whether any is about a method. */
  isAbout(method: PaymentMethodName): boolean;
}

interface Ranked {
  readonly rule: Rule;
  readonly rank: number;
}

type TextField = 'userId' | 'reservationId' | 'webhookUrl' | 'currency';

/** Rules by one text that they name: the whole of it, or how it begins. */
interface TextIndex {
  readonly field: TextField;
  readonly whole: Map<string, Ranked[]>;
  /** By what they name, one for each length of that. */
  readonly beginnings: { readonly length: number; readonly rules: Map<string, Ranked[]> }[];
}

/** The rules about one method; each is in one place, by the first text that it names. */
interface MethodRules {
  readonly byText: TextIndex[];
  /** Those that name none of them, but amounts or nothing. */
  readonly others: Ranked[];
  /** No amount outside of these fits any of `others`. */
  leastAmount: number;
  greatestAmount: number;
}

const none: readonly Rule[] = [];
const fields: readonly TextField[] = ['userId', 'reservationId', 'webhookUrl', 'currency'];

/** @param rules in the order in which they are asked. */
export function createRuleIndex(rules: readonly Rule[]): RuleIndex {
  const byMethod = new Map<PaymentMethodName, MethodRules>();
  rules.forEach((rule, rank) => {
    for (const method of methodsOf(rule.match)) {
      const ofMethod = byMethod.get(method) ?? createMethodRules();
      byMethod.set(method, ofMethod);
      addRule(ofMethod, { rule, rank });
    }
  });
  return {
    find: (facts) => find(byMethod.get(facts.method), facts),
    mayFit: (method, userId) => mayFit(byMethod.get(method), userId),
    isAbout: (method) => byMethod.has(method),
  };
}

function createMethodRules(): MethodRules {
  return {
    byText: [],
    others: [],
    leastAmount: Infinity,
    greatestAmount: 0,
  };
}

function addRule(rules: MethodRules, ranked: Ranked): void {
  const { match } = ranked.rule;
  const field = fields.find((each) => namesText(match, each));
  if (field !== undefined) {
    addByText(indexOfField(rules, field), match[field], ranked);
    return;
  }
  rules.others.push(ranked);
  const { least, greatest } = amountsOf(match);
  rules.leastAmount = Math.min(rules.leastAmount, least);
  rules.greatestAmount = Math.max(rules.greatestAmount, greatest);
}

/** Only of texts that some rule names: each costs every call. */
function indexOfField({ byText }: MethodRules, field: TextField): TextIndex {
  const known = byText.find((each) => each.field === field);
  const index = known ?? { field, whole: new Map(), beginnings: [] };
  if (known === undefined) {
    byText.push(index);
  }
  return index;
}

/** Nearly all payments have the same currency: beside an amount it finds nothing. */
function namesText(match: Match, field: TextField): boolean {
  const hasAmount = match.minAmount > 0 || match.maxAmount > 0;
  return match[field] !== '' && match[field] !== '*' && !(field === 'currency' && hasAmount);
}

function amountsOf({ minAmount, maxAmount }: Match) {
  return { least: minAmount, greatest: maxAmount === 0 ? Infinity : maxAmount };
}

function addByText({ whole, beginnings }: TextIndex, pattern: string, ranked: Ranked): void {
  if (!pattern.endsWith('*')) {
    addTo(whole, pattern, ranked);
    return;
  }
  const beginning = pattern.slice(0, -1);
  const known = beginnings.find(({ length }) => length === beginning.length);
  const ofLength = known ?? { length: beginning.length, rules: new Map<string, Ranked[]>() };
  if (known === undefined) {
    beginnings.push(ofLength);
  }
  addTo(ofLength.rules, beginning, ranked);
}

function addTo(lists: Map<string, Ranked[]>, key: string, ranked: Ranked): void {
  const list = lists.get(key);
  if (list === undefined) {
    lists.set(key, [ranked]);
  } else {
    list.push(ranked);
  }
}

/** Makes nothing for a call that fits no rule. */
function find(rules: MethodRules | undefined, facts: CallFacts): readonly Rule[] {
  if (rules === undefined) {
    return none;
  }
  let found: Ranked[] | undefined;
  for (const { field, whole, beginnings } of rules.byText) {
    const text = facts[field];
    if (whole.size > 0) {
      found = addFitting(found, whole.get(text), facts);
    }
    for (const { length, rules: ofLength } of beginnings) {
      found = addFitting(found, ofLength.get(text.slice(0, length)), facts);
    }
  }
  if (facts.amount >= rules.leastAmount && facts.amount <= rules.greatestAmount) {
    found = addFitting(found, rules.others, facts);
  }
  return found === undefined ? none : found.toSorted((a, b) => a.rank - b.rank).map(({ rule }) => rule);
}

function mayFit(rules: MethodRules | undefined, userId: string): boolean {
  if (rules === undefined) {
    return false;
  }
  const [index] = rules.byText;
  const areByUser = rules.others.length === 0 && rules.byText.length === 1 && index?.field === 'userId';
  return !areByUser || index.beginnings.length > 0 || index.whole.has(userId);
}

function addFitting(
  found: Ranked[] | undefined,
  candidates: readonly Ranked[] | undefined,
  facts: CallFacts,
): Ranked[] | undefined {
  if (candidates === undefined) {
    return found;
  }
  let all = found;
  for (const candidate of candidates) {
    if (fits(candidate.rule.match, facts)) {
      all ??= [];
      all.push(candidate);
    }
  }
  return all;
}
