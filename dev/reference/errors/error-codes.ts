import { Code } from '@connectrpc/connect';

/** When a call ends with a code that is not OK, in words; the order is that of the page. */
export const whenByCode: ReadonlyMap<Code, string> = new Map([
  [
    Code.InvalidArgument,
    'a field is missing or wrong; the detail `google.rpc.BadRequest` names every such field',
  ],
  [
    Code.NotFound,
    "no such payment, or `user_id` is given and is not the payer's; no such rule in the session; no delivery that could be sent again is remembered",
  ],
  [
    Code.AlreadyExists,
    'the `idempotency_key` was used before with other parameters; the session has a rule with that `rule_id`',
  ],
  [
    Code.FailedPrecondition,
    "the payment's status does not allow it, or less is left to refund (`conflict` in the message); the refund was declined as its simulation says; `ListPayments`, `GetSession` and `ResetSession` with `PAYMENT_INDEX=off`; the rule comes from a file; the session has no clock of its own, or cannot have one",
  ],
  [
    Code.ResourceExhausted,
    'the request is larger than `READ_MAX_BYTES`, or `MAX_PAYMENTS` payments are pending, or those that are take `MAX_PAYMENTS_BYTES`, or Redis is full; or there are `MAX_SESSIONS` sessions, 1,000 rules in one, or 64 MiB of them in all; or 100 watch already, or 1,000 calls of `Await` wait',
  ],
  [
    Code.Unavailable,
    'Redis cannot be used or does not answer in time; a create may have been carried out, so repeat it with the same `idempotency_key`. The service is stopping',
  ],
  [Code.DeadlineExceeded, 'the deadline that the caller gave has passed'],
  [Code.Aborted, 'a `Watch` reads so slowly that entries were forgotten before they were sent'],
  [Code.Unimplemented, 'no such method or service'],
  [Code.Internal, 'a defect: logged with its cause, answered without it'],
]);
