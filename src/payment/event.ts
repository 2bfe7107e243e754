import type { DeliveryBehavior, SignatureFault, SimulatedChannel } from './payment.ts';
import type { SettledPayment } from './payment.ts';

/** What kind of event it is: a change of status, or a refund that has changed none. */
export type PaymentEventType = 'payment.status_updated' | 'payment.refund_updated';

/** What an event tells of its payment, as the payment was at that moment. */
type EventPayment = Pick<
  SettledPayment,
  'id' | 'reservationId' | 'userId' | 'status' | 'money' | 'trace' | 'transactionId' | 'failureCode'
>;

/** What an event tells of a refund. */
export interface EventRefund {
  /** `rfd-<uuid>`. */
  readonly id: string;
  readonly status: 'SUCCEEDED' | 'FAILED';
  /** How much of the payment has gone back by then, in minor units. */
  readonly refundedAmount: number;
  /** Why it failed, undefined when it did not. */
  readonly failureCode: string | undefined;
}

/** How an event is delivered, if not as usual: as was decided for its payment, or as has been made of that. */
export type EventDelivery =
  | {
      readonly kind: 'planned';
      readonly behavior: DeliveryBehavior;
      /** The event before, which has been held back until this one. */
      readonly held: PaymentEvent | undefined;
    }
  | {
      readonly kind: 'arranged';
      /** The only channel that it goes out by. */
      readonly channel: SimulatedChannel;
      readonly signature: SignatureFault | undefined;
      /** Whether it was held back, and comes after the event after it. */
      readonly isHeldBack: boolean;
    };

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
  /** The tester's session that its payment belongs to, undefined when it is none's. */
  readonly sessionId: string | undefined;
  /** Undefined when it is delivered as usual. */
  readonly delivery: EventDelivery | undefined;
  /** Undefined unless the event is of a refund. */
  readonly refund: EventRefund | undefined;
}
