import type { IdGenerator } from '../base/ids.ts';
import type { PaymentEvent } from './event.ts';
import type { SettledStatus } from './payment.ts';
import { outcomeOf } from './settlement.ts';

/**
 * An event that tells of the payment of another one what is not so, under an id of its own.
 *
 * @param failureCode why it failed, if that is what is told.
 */
export function contradict(
  event: PaymentEvent,
  status: SettledStatus,
  newId: IdGenerator,
  failureCode?: string,
): PaymentEvent {
  return {
    ...event,
    id: newId('evt'),
    type: 'payment.status_updated',
    payment: { ...event.payment, status, ...outcomeOf(status, newId, failureCode) },
    refund: undefined,
  };
}
