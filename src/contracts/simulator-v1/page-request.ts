import { invalidField } from '../../payment/errors.ts';
import { requireId, throwIfAny, type Violations } from '../../payment/violations.ts';

/* What requests for lists have in common. */

const defaultPageSize = 50;
const maxPageSize = 1_000;
/** Of what is listed, in memory: clients of gRPC take 4 MB. */
export const maxPageBytes = 1_048_576;

/** @throws PaymentError `invalid-request` */
export function checkedPaymentId(paymentId: string): string {
  const violations: Violations = [];
  requireId(violations, 'payment_intent_id', paymentId);
  throwIfAny(violations);
  return paymentId;
}

/** @throws PaymentError `invalid-request` */
export function limitOf(pageSize: number): number {
  if (pageSize < 0) {
    throw invalidField('page_size', 'must not be below 0; 0 is 50, and more than 1,000 are 1,000');
  }
  return pageSize === 0 ? defaultPageSize : Math.min(pageSize, maxPageSize);
}
