import { type FieldViolation, PaymentError } from './errors.ts';
import { describeIdProblem, describeKeyProblem } from './id-rule.ts';

/** What is wrong with a request, all of it, so that a caller learns it at once. */
export type Violations = FieldViolation[];

/** Longest text that nobody reads, such as those of the metadata, in UTF-16 code units. */
export const maxTextLength = 512;

export function add(violations: Violations, field: string, description: string): void {
  violations.push({ field, description });
}

/** @throws PaymentError `invalid-request` when there are any. */
export function throwIfAny(violations: Violations): void {
  if (violations.length > 0) {
    throw new PaymentError({ kind: 'invalid-request', violations });
  }
}

export function requireId(violations: Violations, field: string, value: string): void {
  if (value === '') {
    add(violations, field, 'is required');
  } else {
    checkId(violations, field, value);
  }
}

/** An empty one is none. */
export function checkId(violations: Violations, field: string, value: string): void {
  checkText(violations, field, value, describeIdProblem);
}

/** An empty one is none. */
export function checkKey(violations: Violations, field: string, value: string): void {
  checkText(violations, field, value, describeKeyProblem);
}

/** @param maxLength in characters (UTF-16 code units). */
export function checkLength(violations: Violations, field: string, value: string, maxLength: number): void {
  if (value.length > maxLength) {
    add(violations, field, `must be at most ${maxLength} characters long, not ${value.length}`);
  }
}

function checkText(
  violations: Violations,
  field: string,
  value: string,
  describeProblem: (value: string) => string | undefined,
): void {
  const problem = value === '' ? undefined : describeProblem(value);
  if (problem !== undefined) {
    add(violations, field, problem);
  }
}
