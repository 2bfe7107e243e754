import { clockOf, type SimClock } from '../base/clock.ts';
import type { Payment } from './payment.ts';

/** The time of a payment, in milliseconds since the epoch: that of its session, which may have a clock of its own. */
export function nowOf(clock: SimClock, { extras }: Pick<Payment, 'extras'>): number {
  return clockOf(clock, extras?.sessionId).now();
}
