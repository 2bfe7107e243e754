import type { PaymentExtras, PaymentMetadata, PaymentMethod } from './payment.ts';
import { add, checkLength, maxTextLength, type Violations } from './violations.ts';
import { wantedMethod } from './wanted-values.ts';

/** What few requests have, as it came in. `'unknown'`: a number that has no name. */
export interface ExtrasInput {
  readonly method?: PaymentMethod | undefined | 'unknown';
  readonly metadata?: PaymentMetadata | undefined;
}

const maxTagNameLength = 64;
const maxTags = 50;

/** Notes what is wrong; undefined when there is nothing to keep. */
export function validateExtras(violations: Violations, input: ExtrasInput): PaymentExtras | undefined {
  const { method, metadata } = input;
  if (method === undefined && metadata === undefined) {
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
