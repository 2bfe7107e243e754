import type { PaymentExtras, PaymentMetadata, PaymentMethod, RefundPlan } from './payment.ts';
import { add, checkLength, type Violations } from './violations.ts';
import {
  maxDelayMs,
  wantedDelay,
  wantedFailureCode,
  wantedMethod,
  wantedRefundOutcome,
} from './wanted-values.ts';

/** What few requests have, as it came in. `'unknown'`: a number that has no name. */
export interface ExtrasInput {
  readonly method?: PaymentMethod | undefined | 'unknown';
  readonly metadata?: PaymentMetadata | undefined;
  readonly refund?: RefundInput | undefined;
}

/** How refunds shall go, as it came in. */
interface RefundInput {
  readonly outcome: 'APPROVE' | 'DECLINE' | undefined | 'unknown';
  readonly delayMs: number | undefined;
  readonly failureCode: string;
}

/** Longest text of the metadata, and of other texts that nobody reads, in UTF-16 code units. */
export const maxTextLength = 512;
const maxTagNameLength = 64;
const maxTags = 50;
/** What a refund fails with that shall fail; a code of Stripe's. */
const defaultFailureCode = 'processing_error';

/** Notes what is wrong; undefined when there is nothing to keep. */
export function validateExtras(violations: Violations, input: ExtrasInput): PaymentExtras | undefined {
  const { method, metadata, refund } = input;
  if (method === undefined && metadata === undefined && refund === undefined) {
    return undefined;
  }
  if (method === 'unknown') {
    add(violations, 'method', `must be ${wantedMethod}`);
  }
  if (metadata !== undefined) {
    checkMetadata(violations, metadata);
  }
  return {
    ...(method !== undefined && method !== 'unknown' && { method }),
    ...(metadata !== undefined && { metadata }),
    ...(refund !== undefined && { refundPlan: validateRefund(violations, refund) }),
  };
}

function checkMetadata(violations: Violations, metadata: PaymentMetadata): void {
  checkLength(violations, 'metadata.source', metadata.source, maxTextLength);
  checkLength(violations, 'metadata.user_agent', metadata.userAgent, maxTextLength);
  checkLength(violations, 'metadata.ip_address', metadata.ipAddress, maxTextLength);
  checkLength(violations, 'metadata.session_id', metadata.sessionId, maxTextLength);
  checkLength(violations, 'metadata.scenario', metadata.scenario, maxTextLength);
  const tags = Object.entries(metadata.tags);
  if (tags.length > maxTags) {
    add(violations, 'metadata.tags', `must be at most ${maxTags}, not ${tags.length}`);
    return;
  }
  for (const [name, value] of tags) {
    checkLength(violations, 'metadata.tags', name, maxTagNameLength);
    checkLength(
      violations,
      `metadata.tags[${JSON.stringify(name.slice(0, maxTagNameLength))}]`,
      value,
      maxTextLength,
    );
  }
}

function validateRefund(
  violations: Violations,
  { outcome, delayMs = 0, failureCode }: RefundInput,
): RefundPlan {
  if (outcome === 'unknown') {
    add(violations, 'simulation.refund.outcome', `must be ${wantedRefundOutcome}`);
  }
  if (delayMs < 0 || delayMs > maxDelayMs) {
    add(violations, 'simulation.refund.delay_ms', `must be ${wantedDelay}`);
  }
  if (failureCode !== '' && !/^[A-Za-z0-9_]{1,64}$/.test(failureCode)) {
    add(violations, 'simulation.refund.failure_code', `must be ${wantedFailureCode}`);
  }
  if (failureCode !== '' && outcome === 'APPROVE') {
    add(
      violations,
      'simulation.refund.failure_code',
      'contradicts the outcome: what is approved does not fail',
    );
  }
  const fails = outcome === 'DECLINE' || failureCode !== '';
  return { delayMs, failureCode: fails ? failureCode || defaultFailureCode : undefined };
}
