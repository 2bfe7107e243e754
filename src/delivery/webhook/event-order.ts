import type { PaymentEvent } from '../../payment/event.ts';
import type { WebhookDelivery } from '../delivery.ts';

/**
 * Whether a first attempt has to wait for that of an earlier event of its payment, which is under way. Looked for
 * among all: payments with more than one event at a time are few, and the others pay nothing.
 */
export function mustFollow(delivery: WebhookDelivery, inFlight: Iterable<WebhookDelivery>): boolean {
  const order = orderOf(delivery.event);
  if (order === 1 || !isFirst(delivery)) {
    return false;
  }
  for (const other of inFlight) {
    const isSame = other.event.payment.id === delivery.event.payment.id;
    if (isSame && orderOf(other.event) < order && isFirst(other)) {
      return true;
    }
  }
  return false;
}

function isFirst({ attempts, waits }: WebhookDelivery): boolean {
  return attempts === 0 && waits === 0;
}

/** By their sequence, but for an event that was held back until after the next one. */
export function orderOf({ sequence, delivery }: PaymentEvent): number {
  return delivery?.kind === 'arranged' && delivery.isHeldBack ? sequence + 1.5 : sequence;
}
