import { clockOf, type SimClock } from '../base/clock.ts';
import type { Observer } from '../base/observer.ts';
import type { PaymentEvent } from '../payment/event.ts';
import type { DeliveryBehavior } from '../payment/payment.ts';
import type { Payments } from '../payment/ports.ts';
import { arrangeAgain } from './arrangement.ts';
import type { ChannelName } from './dead-letter.ts';
import type { DeliveryReport } from './observer.ts';

interface SendAgainDeps {
  readonly payments: Pick<Payments, 'announceAt'>;
  readonly clock: SimClock;
  readonly observe: Observer<DeliveryReport>;
}

/**
 * Sends an event by a channel again, as usual unless `behavior` says otherwise. As if it were a later event of its
 * payment: so it is not lost with the process where others take over.
 *
 * @throws PaymentError `too-many-bytes-pending`.
 */
export async function sendAgain(
  { payments, clock, observe }: SendAgainDeps,
  event: PaymentEvent,
  channel: ChannelName,
  behavior: DeliveryBehavior | undefined,
): Promise<void> {
  const { sendings, faults } = arrangeAgain(channel, event, behavior);
  if (faults.length > 0) {
    observe({ kind: 'delivery-simulated', event, channel, faults });
  }
  for (const sending of sendings) {
    await payments.announceAt(sending.event, clockOf(clock, event.sessionId).now() + sending.delayMs);
  }
}
