import { type DeliveryInput, validateDelivery } from './delivery-behavior.ts';
import type { DeliveryBehavior } from './payment.ts';
import type { RefundPlan } from './payment.ts';
import { add, checkLength, maxTextLength, type Violations } from './violations.ts';
import {
  maxApiDelayMs,
  maxDelayMs,
  wantedApiDelay,
  wantedDelay,
  wantedErrorTime,
  wantedFailureCode,
  wantedGrpcCode,
  wantedOutcome,
  wantedRefundOutcome,
} from './wanted-values.ts';

/** How a payment shall end, whatever its scenario; HOLD: not by itself. */
export type WantedOutcome = 'APPROVE' | 'DECLINE' | 'HOLD' | 'EXPIRE';

/** What shall happen, after every check; each field undefined when nothing is said of it. */
export interface Behavior {
  readonly delayMs?: number | undefined;
  readonly outcome?: WantedOutcome | undefined;
  /** Only with DECLINE. */
  readonly failureCode?: string | undefined;
  readonly api?: ApiBehavior | undefined;
  readonly refund?: RefundPlan | undefined;
  readonly delivery?: DeliveryBehavior | undefined;
}

/** The answer of a call. */
export interface ApiBehavior {
  /** Of gRPC, from 1 to 16; 0 when it does not fail. */
  readonly code: number;
  readonly message: string;
  readonly delayMs: number;
  /** 0: not said. */
  readonly retryAfterMs: number;
  /** Whether the error comes instead of the call or after it. */
  readonly when: 'BEFORE' | 'AFTER';
  /** Whether there is no answer at all. */
  readonly drop: boolean;
}

/** What shall happen, as it came in. `'unknown'`: a number that has no name. */
export interface BehaviorInput {
  readonly delayMs?: number | undefined;
  readonly outcome?: WantedOutcome | undefined | 'unknown';
  /** Empty: none. */
  readonly failureCode?: string;
  readonly api?: ApiInput | undefined;
  readonly refund?: RefundInput | undefined;
  readonly delivery?: DeliveryInput | undefined;
}

interface ApiInput {
  readonly code: number;
  readonly message: string;
  readonly delayMs: number;
  readonly retryAfterMs: number;
  readonly when: ApiBehavior['when'] | undefined | 'unknown';
  readonly drop: boolean;
}

interface RefundInput {
  readonly outcome: WantedOutcome | undefined | 'unknown';
  readonly delayMs: number | undefined;
  readonly failureCode: string;
}

/** What a refund fails with that shall fail; a code of Stripe's. */
const defaultRefundFailure = 'processing_error';
const failureCodePattern = /^[A-Za-z0-9_]{1,64}$/;
/** gRPC has the codes from 0 to 16. */
const maxGrpcCode = 16;

/** Whether the text can be why a payment fails. */
export function isFailureCode(text: string): boolean {
  return failureCodePattern.test(text);
}

/**
 * Notes what is wrong, contradictions included.
 *
 * @param field where it came, such as `simulation`.
 */
export function validateBehavior(violations: Violations, field: string, input: BehaviorInput): Behavior {
  const { outcome, failureCode = '', delayMs } = input;
  if (outcome === 'unknown') {
    add(violations, `${field}.outcome`, `must be ${wantedOutcome}`);
  }
  checkMs(violations, `${field}.delay_ms`, delayMs, maxDelayMs, wantedDelay);
  checkFailureCode(violations, `${field}.failure_code`, failureCode, outcome);
  if (outcome === 'HOLD' && delayMs !== undefined) {
    add(
      violations,
      `${field}.delay_ms`,
      'contradicts the outcome HOLD, which has no end; leave one of them out, or use EXPIRE',
    );
  }
  const wanted = outcome === 'unknown' ? undefined : outcome;
  return {
    delayMs,
    outcome: wanted ?? (failureCode === '' ? undefined : 'DECLINE'),
    failureCode: failureCode === '' ? undefined : failureCode,
    api: input.api && validateApi(violations, `${field}.api`, input.api),
    refund: input.refund && validateRefund(violations, `${field}.refund`, input.refund),
    delivery: input.delivery && validateDelivery(violations, `${field}.delivery`, input.delivery),
  };
}

function validateApi(violations: Violations, field: string, input: ApiInput): ApiBehavior {
  const { code, message, delayMs, retryAfterMs, when, drop } = input;
  if (code < 0 || code > maxGrpcCode) {
    add(violations, `${field}.code`, `must be ${wantedGrpcCode}`);
  }
  checkLength(violations, `${field}.message`, message, maxTextLength);
  checkMs(violations, `${field}.delay_ms`, delayMs, maxApiDelayMs, wantedApiDelay);
  checkMs(violations, `${field}.retry_after_ms`, retryAfterMs, maxDelayMs, wantedDelay);
  if (when === 'unknown') {
    add(violations, `${field}.when`, `must be ${wantedErrorTime}`);
  }
  if (drop && code !== 0) {
    add(violations, `${field}.drop_connection`, 'contradicts the code: who is cut off gets none');
  }
  if (code === 0) {
    checkNeedsError(violations, field, input);
  }
  return { code, message, delayMs, retryAfterMs, when: when === 'AFTER' ? when : 'BEFORE', drop };
}

/** What would be ignored where no error comes. */
function checkNeedsError(
  violations: Violations,
  field: string,
  { message, retryAfterMs, when, drop, delayMs }: ApiInput,
): void {
  if (message !== '') {
    add(violations, `${field}.message`, 'needs a code other than OK');
  }
  if (retryAfterMs !== 0) {
    add(violations, `${field}.retry_after_ms`, 'needs a code other than OK');
  }
  if (when !== undefined && !drop) {
    add(violations, `${field}.when`, 'needs a code other than OK, or drop_connection');
  }
  if (!drop && delayMs === 0) {
    add(violations, field, 'must have a code other than OK, a delay_ms or drop_connection');
  }
}

function validateRefund(
  violations: Violations,
  field: string,
  { outcome, delayMs = 0, failureCode }: RefundInput,
): RefundPlan {
  if (outcome === 'unknown' || outcome === 'HOLD' || outcome === 'EXPIRE') {
    add(violations, `${field}.outcome`, `must be ${wantedRefundOutcome}`);
  }
  checkMs(violations, `${field}.delay_ms`, delayMs, maxDelayMs, wantedDelay);
  checkFailureCode(violations, `${field}.failure_code`, failureCode, outcome);
  const fails = outcome === 'DECLINE' || failureCode !== '';
  return { delayMs, failureCode: fails ? failureCode || defaultRefundFailure : undefined };
}

function checkFailureCode(
  violations: Violations,
  field: string,
  failureCode: string,
  outcome: WantedOutcome | undefined | 'unknown',
): void {
  if (failureCode === '') {
    return;
  }
  if (!isFailureCode(failureCode)) {
    add(violations, field, `must be ${wantedFailureCode}`);
  }
  if (outcome !== undefined && outcome !== 'unknown' && outcome !== 'DECLINE') {
    const what = outcome === 'APPROVE' ? 'what is approved does not fail' : `${outcome} is no failure`;
    add(violations, field, `contradicts the outcome: ${what}`);
  }
}

function checkMs(
  violations: Violations,
  field: string,
  value: number | undefined,
  max: number,
  wanted: string,
): void {
  if (value !== undefined && (value < 0 || value > max)) {
    add(violations, field, `must be ${wanted}`);
  }
}
