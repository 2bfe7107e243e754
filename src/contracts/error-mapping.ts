import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.js';
import { PaymentError, type PaymentErrorReason } from '../payment/errors.ts';
import { SteeringError, type SteeringErrorReason } from '../simulator/errors.ts';

/**
 * The only mapping of domain errors to codes and details of the protocols. Any other error is a defect:
 * INTERNAL, with the error as the cause, which is logged and not sent.
 */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) {
    return error;
  }
  if (error instanceof PaymentError) {
    return mapReason(error.message, error.reason);
  }
  if (error instanceof SteeringError) {
    return new ConnectError(error.message, steeringCodes[error.reason.kind]);
  }
  return new ConnectError('internal error', Code.Internal, undefined, undefined, error);
}

const steeringCodes: Readonly<Record<SteeringErrorReason['kind'], Code>> = {
  'rule-not-found': Code.NotFound,
  'rule-of-a-file': Code.FailedPrecondition,
  'rule-exists': Code.AlreadyExists,
  'too-many-rules': Code.ResourceExhausted,
  'too-many-sessions': Code.ResourceExhausted,
  'too-many-bytes': Code.ResourceExhausted,
  'nothing-to-resend': Code.NotFound,
  'clock-needs-memory': Code.FailedPrecondition,
  'clock-comes-late': Code.FailedPrecondition,
  'no-clock': Code.FailedPrecondition,
  'too-many-wait': Code.ResourceExhausted,
  'too-many-watchers': Code.ResourceExhausted,
  'fell-behind': Code.Aborted,
};

function mapReason(message: string, reason: PaymentErrorReason): ConnectError {
  switch (reason.kind) {
    case 'invalid-request':
      return new ConnectError(message, Code.InvalidArgument, undefined, [
        { desc: BadRequestSchema, value: { fieldViolations: [...reason.violations] } },
      ]);
    case 'payment-not-found':
      return new ConnectError(message, Code.NotFound);
    case 'conflict':
    case 'refund-declined':
    case 'no-index':
      return new ConnectError(message, Code.FailedPrecondition);
    case 'idempotency-key-reused':
      return new ConnectError(message, Code.AlreadyExists);
    case 'state-unavailable':
    // While a new release is rolled out, the next try may find a replica that knows it.
    case 'unknown-form':
      return new ConnectError(message, Code.Unavailable);
    case 'too-many-pending':
    case 'too-many-bytes-pending':
    case 'state-full':
      return new ConnectError(message, Code.ResourceExhausted);
  }
}
