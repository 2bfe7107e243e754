import { randomUUID } from 'node:crypto';
import type { PaymentWebhook } from 'payment-sim';

export type OrderStatus = 'PENDING' | 'PAID' | 'FAILED' | 'EXPIRED' | 'REFUNDED';

export interface Order {
  readonly id: string;
  readonly userId: string;
  /** In won. */
  readonly amount: number;
  /** Unknown until the gateway has answered, or its first webhook has come. */
  paymentId: string | undefined;
  status: OrderStatus;
  /** Why it is FAILED. */
  failureCode: string | undefined;
  refundedAmount: number;
  /** Of the newest event that was handled; events of a payment count from 1. */
  sequence: number;
  /** How many events have changed it. */
  events: number;
}

const statusOf: Readonly<Partial<Record<string, OrderStatus>>> = {
  PAYMENT_STATUS_COMPLETED: 'PAID',
  PAYMENT_STATUS_FAILED: 'FAILED',
  PAYMENT_STATUS_CANCELLED: 'FAILED',
  PAYMENT_STATUS_EXPIRED: 'EXPIRED',
  PAYMENT_STATUS_REFUNDED: 'REFUNDED',
};

export function createOrder(userId: string, amount: number): Order {
  return {
    id: `order-${randomUUID()}`,
    userId,
    amount,
    paymentId: undefined,
    status: 'PENDING',
    failureCode: undefined,
    refundedAmount: 0,
    sequence: 0,
    events: 0,
  };
}

/**
 * Changes the order as the event says. An event that comes again, or after a newer one, changes nothing: what it told
 * is in the newer one.
 */
export function applyEvent(order: Order, event: PaymentWebhook): void {
  const { sequence = order.sequence + 1 } = event;
  const status = statusOf[event.status];
  if (sequence <= order.sequence || status === undefined) {
    return;
  }
  order.sequence = sequence;
  order.events += 1;
  order.paymentId = event.payment_id;
  order.status = status;
  order.failureCode = status === 'FAILED' ? event.failure_code : undefined;
  order.refundedAmount = event.refunded_amount ?? order.refundedAmount;
}

/** As callers see it. */
export function toJson({ id, status, failureCode, refundedAmount, events }: Order) {
  return {
    order_id: id,
    status,
    failure_code: failureCode ?? null,
    refunded_amount: refundedAmount,
    events,
  };
}
