import type { SettledPayment } from './payment.ts';

/** What kind of event it is: every change of status so far. */
export type PaymentEventType = 'payment.status_updated';

/** What an event tells of its payment, as the payment was at that moment. */
type EventPayment = Pick<SettledPayment, 'id' | 'reservationId' | 'userId' | 'status' | 'money' | 'trace'>;

/** Something that happened to a payment, told on every channel under one id. Never changes. */
export interface PaymentEvent {
  /** `evt-<uuid>`, the same on every channel and in every attempt. */
  readonly id: string;
  readonly type: PaymentEventType;
  /** Counts the events of a payment, from 1 and without gaps. */
  readonly sequence: number;
  /** Milliseconds since the epoch, by the simulation's clock. */
  readonly occurredAtMs: number;
  /** The webhook address that is told, undefined when there is none. */
  readonly destination: string | undefined;
  readonly payment: EventPayment;
}
