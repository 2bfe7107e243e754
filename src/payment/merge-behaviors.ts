import type { Behavior } from './behavior.ts';

/**
 * Of two that apply, each field from `first` if it says anything of it, else from `second`. A field of `second`
 * that would contradict what `first` says is left out.
 */
export function mergeBehaviors(first: Behavior, second: Behavior): Behavior {
  const delayMs = first.delayMs ?? (first.outcome === 'HOLD' ? undefined : second.delayMs);
  const secondOutcome = second.outcome === 'HOLD' && first.delayMs !== undefined ? undefined : second.outcome;
  const outcome = first.outcome ?? secondOutcome;
  return {
    delayMs,
    outcome,
    failureCode: outcome === 'DECLINE' ? (first.failureCode ?? second.failureCode) : undefined,
    api: first.api ?? second.api,
    refund: first.refund ?? second.refund,
    delivery: first.delivery ?? second.delivery,
  };
}

/** Whether `second` says anything that would be heard beside `first`. */
export function addsTo(first: Behavior, second: Behavior): boolean {
  const merged = mergeBehaviors(first, second);
  return (
    merged.delayMs !== first.delayMs ||
    merged.outcome !== first.outcome ||
    merged.failureCode !== first.failureCode ||
    merged.api !== first.api ||
    merged.refund !== first.refund ||
    merged.delivery !== first.delivery
  );
}
