import { type Behavior, type BehaviorInput, validateBehavior } from '../payment/behavior.ts';
import { add, checkId, checkLength, maxTextLength, type Violations } from '../payment/violations.ts';
import { type Match, matchesAllCreates, type MatchInput, methodsOf, validateMatch } from './match.ts';
import { isHeaderText, wantedHeaderText } from './session.ts';

/** What shall happen to which calls, and how often. Never changes. */
export interface Rule {
  readonly id: string;
  readonly match: Match;
  readonly behavior: Behavior;
  /** How many calls it applies to; 0: all. */
  readonly times: number;
  /** How many calls that fit it lets pass first. */
  readonly skip: number;
  /** Applies to one in so many calls that fit; 0 and 1: to all. */
  readonly oneIn: number;
  /** Whether `times` and `skip` count each reservation by itself. */
  readonly perReservation: boolean;
  readonly label: string;
  /** `api`, or file and line. */
  readonly source: string;
  /** Its draws follow from this text: the same for a rule that is made anew. */
  readonly drawText: string;
}

/** A rule as it came in. */
export interface RuleInput {
  /** Empty: one is made. */
  readonly id: string;
  readonly match: MatchInput | undefined;
  readonly simulation: BehaviorInput | undefined;
  readonly times: number;
  readonly skip: number;
  readonly oneIn: number;
  readonly perReservation: boolean;
  readonly label: string;
  /** Only the service says so. */
  readonly matched: bigint;
  readonly source: string;
  readonly sessionId: string;
}

/**
 * Notes what is wrong.
 *
 * @param newId for a rule that has none.
 * @param source where it comes from.
 */
export function validateRule(
  violations: Violations,
  input: RuleInput,
  { newId, source, field = 'rule' }: { newId: () => string; source: string; field?: string },
): Rule {
  const { id, times, skip, oneIn, perReservation, label } = input;
  checkRuleId(violations, `${field}.rule_id`, id);
  const match =
    input.match === undefined ? matchesAllCreates : validateMatch(violations, `${field}.match`, input.match);
  const behavior = validateRuleBehavior(violations, `${field}.simulation`, match, input.simulation);
  checkCount(violations, `${field}.times`, times);
  checkCount(violations, `${field}.skip`, skip);
  checkCount(violations, `${field}.one_in`, oneIn);
  checkLength(violations, `${field}.label`, label, maxTextLength);
  if (perReservation && times === 0 && skip === 0) {
    add(violations, `${field}.per_reservation`, 'needs times or skip, which it is about');
  }
  checkNotTold(violations, field, input);
  const drawText = id === '' ? JSON.stringify([match, behavior, oneIn]) : id;
  return {
    id: id === '' ? newId() : id,
    match,
    behavior,
    times,
    skip,
    oneIn,
    perReservation,
    label,
    source,
    drawText,
  };
}

/** Answers name rules in a header, separated by commas. */
function checkRuleId(violations: Violations, field: string, id: string): void {
  if (id !== '' && !isHeaderText(id)) {
    add(violations, field, `must be ${wantedHeaderText}`);
  } else {
    checkId(violations, field, id);
  }
}

function validateRuleBehavior(
  violations: Violations,
  field: string,
  match: Match,
  input: BehaviorInput | undefined,
): Behavior {
  if (input === undefined) {
    add(violations, field, 'is required: what shall happen, such as {"failure_code": "insufficient_funds"}');
    return {};
  }
  const behavior = validateBehavior(violations, field, input);
  const { api, ...ofPayment } = behavior;
  const saysOfPayment = Object.values(ofPayment).some((value) => value !== undefined);
  if (api === undefined && !saysOfPayment) {
    add(violations, field, 'must say what shall happen, such as {"failure_code": "insufficient_funds"}');
  }
  if (saysOfPayment && methodsOf(match).some((method) => method !== 'CreatePaymentIntent')) {
    add(
      violations,
      field,
      'must have nothing but api: what becomes of a payment is decided when it is created; make a rule for CreatePaymentIntent',
    );
  }
  return behavior;
}

/** What only the service says. */
function checkNotTold(
  violations: Violations,
  field: string,
  { matched, source, sessionId }: RuleInput,
): void {
  const given = { matched: matched !== 0n, source: source !== '', session_id: sessionId !== '' };
  for (const [name, isGiven] of Object.entries(given)) {
    if (isGiven) {
      add(violations, `${field}.${name}`, 'is told by the service; leave it out');
    }
  }
}

function checkCount(violations: Violations, field: string, count: number): void {
  if (count < 0) {
    add(violations, field, 'must not be below 0');
  }
}
