import { ConnectError } from '@connectrpc/connect';
import { PaymentError, type PaymentErrorReason } from '../../payment/errors.ts';
import { toConnectError } from '../error-mapping.ts';
import { withPlatformNumbers } from './wanted-numbers.ts';

/**
 * The platform's gateway tells errors apart by words in their texts, not by their codes: "not found" is its 404
 * and "conflict" its 409. The domain's texts have them, but for these.
 */
const conflicts: ReadonlySet<PaymentErrorReason['kind']> = new Set([
  'idempotency-key-reused',
  'refund-declined',
]);

/** The error of a call, in the words and numbers that its caller knows. */
export function toPlatformError(error: unknown): ConnectError {
  if (!(error instanceof PaymentError)) {
    return toConnectError(error);
  }
  const { reason } = error;
  if (reason.kind === 'invalid-request') {
    const violations = reason.violations.map(({ field, description }) => ({
      field,
      description: withPlatformNumbers(description),
    }));
    return toConnectError(new PaymentError({ kind: 'invalid-request', violations }));
  }
  const failure = toConnectError(error);
  return conflicts.has(reason.kind)
    ? new ConnectError(`conflict: ${failure.rawMessage}`, failure.code)
    : failure;
}
