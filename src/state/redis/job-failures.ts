import { PaymentError } from '../../payment/errors.ts';
import type { PaymentHandlers } from '../../payment/ports.ts';
import { NothingToDoError } from './job-records.ts';

/**
 * So often a job is tried again that does not find what was to be stored in its transaction, after 1, 2 and 4 s.
 * Redis may have refused the script alone. When a call tries that again while the job is being done, the job is
 * not added once more, since it is there: were it to end, nobody would do it.
 */
const maxMisses = 3;

/** @throws NothingToDoError as long as it may yet be stored; after that it never was, or has expired. */
export function missed(what: string, failures: number): void {
  if (failures < maxMisses) {
    throw new NothingToDoError(what);
  }
}

/** What another release has stored is left to it. */
export function reportFailure(handlers: PaymentHandlers, paymentId: string, error: unknown): void {
  if (!(error instanceof PaymentError && error.reason.kind === 'unknown-form')) {
    handlers.failed(paymentId, error);
  }
}
