import { PaymentError, type PaymentErrorReason } from '../../../src/payment/errors.ts';
import { SteeringError, type SteeringErrorReason } from '../../../src/simulator/errors.ts';

/** A sample of every kind of reason; the compiler asks for one when there is a new kind. */
type Samples<Reason extends { readonly kind: string }> = Readonly<{
  [Kind in Reason['kind']]: Reason & { readonly kind: Kind };
}>;

const paymentReasons: Samples<PaymentErrorReason> = {
  'invalid-request': {
    kind: 'invalid-request',
    violations: [{ field: 'user_id', description: 'is required' }],
  },
  'payment-not-found': { kind: 'payment-not-found', paymentId: 'pay-1' },
  'idempotency-key-reused': { kind: 'idempotency-key-reused', key: 'order-7' },
  conflict: { kind: 'conflict', paymentId: 'pay-1', detail: 'is FAILED' },
  'refund-declined': { kind: 'refund-declined', paymentId: 'pay-1', failureCode: 'processing_error' },
  'no-index': { kind: 'no-index' },
  'too-many-pending': { kind: 'too-many-pending', maxPayments: 1_000_000 },
  'too-many-bytes-pending': { kind: 'too-many-bytes-pending' },
  'state-full': { kind: 'state-full' },
  'state-unavailable': { kind: 'state-unavailable', detail: 'does not answer' },
  'unknown-form': { kind: 'unknown-form', paymentId: 'pay-1' },
};

const steeringReasons: Samples<SteeringErrorReason> = {
  'rule-not-found': { kind: 'rule-not-found', ruleId: 'slow' },
  'nothing-to-resend': { kind: 'nothing-to-resend', what: 'payment pay-1' },
  'rule-exists': { kind: 'rule-exists', ruleId: 'slow' },
  'rule-of-a-file': { kind: 'rule-of-a-file', ruleId: 'slow', source: 'rules.yaml' },
  'clock-needs-memory': { kind: 'clock-needs-memory' },
  'clock-comes-late': { kind: 'clock-comes-late', pending: 3 },
  'no-clock': { kind: 'no-clock' },
  'too-many-rules': { kind: 'too-many-rules', maxRules: 1_000 },
  'too-many-sessions': { kind: 'too-many-sessions', maxSessions: 1_000 },
  'too-many-bytes': { kind: 'too-many-bytes', maxBytes: 67_108_864 },
  'too-many-wait': { kind: 'too-many-wait', maxWaiting: 1_000 },
  'too-many-watchers': { kind: 'too-many-watchers', maxWatchers: 100 },
  'fell-behind': { kind: 'fell-behind', cursor: '17-0' },
};

/** An error of every kind that calls about payments are refused with. */
export const paymentErrors: readonly PaymentError[] = Object.values(paymentReasons).map(
  (reason) => new PaymentError(reason),
);

/** The same of the calls of testers. */
export const steeringErrors: readonly SteeringError[] = Object.values(steeringReasons).map(
  (reason) => new SteeringError(reason),
);
