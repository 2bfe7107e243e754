/** One thing wrong with a request: which field, and what to do about it. */
export interface FieldViolation {
  /** Path of the field as the proto spells it, such as `amount.currency`. */
  readonly field: string;
  readonly description: string;
}

/**
 * Everything that can go wrong in the domain and that a caller may be told. Whatever else is thrown
 * is a defect and answered as INTERNAL.
 */
export type PaymentErrorReason =
  | { readonly kind: 'invalid-request'; readonly violations: readonly FieldViolation[] }
  | { readonly kind: 'payment-not-found'; readonly paymentId: string }
  /** The payment is in a state that does not allow it. `detail` follows on its id. */
  | { readonly kind: 'conflict'; readonly paymentId: string; readonly detail: string }
  /** The refund fails, as the payment's simulation says. */
  | { readonly kind: 'refund-declined'; readonly paymentId: string; readonly failureCode: string }
  | { readonly kind: 'no-index' }
  | { readonly kind: 'idempotency-key-reused'; readonly key: string }
  | { readonly kind: 'too-many-pending'; readonly maxPayments: number }
  | { readonly kind: 'too-many-bytes-pending' }
  /** Whether it was carried out is not known. `detail` follows on "it", which is Redis. */
  | { readonly kind: 'state-unavailable'; readonly detail: string }
  | { readonly kind: 'state-full' }
  /** Stored by a release whose form this one cannot read. */
  | { readonly kind: 'unknown-form'; readonly paymentId: string };

/** An error of the domain, told by its reason. */
export class PaymentError extends Error {
  readonly reason: PaymentErrorReason;

  constructor(reason: PaymentErrorReason) {
    super(describeReason(reason));
    this.name = 'PaymentError';
    this.reason = reason;
  }
}

/** The error of a request that one thing is wrong with. */
export function invalidField(field: string, description: string): PaymentError {
  return new PaymentError({ kind: 'invalid-request', violations: [{ field, description }] });
}

function describeReason(reason: PaymentErrorReason): string {
  switch (reason.kind) {
    case 'invalid-request':
      return reason.violations.map((v) => `${v.field}: ${v.description}`).join('; ');
    case 'payment-not-found':
      return `payment ${reason.paymentId} not found`;
    case 'conflict':
      return `conflict: payment ${reason.paymentId} ${reason.detail}`;
    case 'refund-declined':
      return `the refund of payment ${reason.paymentId} was declined: ${reason.failureCode}`;
    case 'no-index':
      return 'ListPayments, GetSession and ResetSession need an index of the payments in Redis; set PAYMENT_INDEX=on';
    case 'idempotency-key-reused':
      return `idempotency_key "${reason.key}" was used before with other parameters; use a new key for a new payment`;
    case 'too-many-pending':
      return `all ${reason.maxPayments} payments that may be stored are still pending; wait for some to settle, or raise MAX_PAYMENTS`;
    case 'too-many-bytes-pending':
      return 'payments that are pending, webhooks that wait and idempotency keys take all the memory that they may; wait for some to settle, or raise MAX_PAYMENTS_BYTES';
    case 'state-unavailable':
      return `Redis cannot be used: it ${reason.detail}; try again, with the same idempotency_key if there was one`;
    case 'state-full':
      return 'Redis is full, so nothing new is taken; try again when it has room';
    case 'unknown-form':
      return `payment ${reason.paymentId} was stored by another release of Payment Sim, in a form that this one does not know; ask a replica of that release`;
  }
}

/** This process ends before its work is done, and another one will do it. */
export class HandedOverError extends Error {
  constructor() {
    super('this process is ending; another one takes over');
    this.name = 'HandedOverError';
  }
}
