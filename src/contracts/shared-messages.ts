import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Cancellation, CancelInput } from '../payment/cancellation.ts';
import type { ListedPayments, ListInput } from '../payment/listing.ts';
import { isSettled, type Money, type Payment, type PaymentStatus } from '../payment/payment.ts';
import type { MoneyInput } from '../payment/validation.ts';
import type { SimulatedWebhook, SimulateWebhookInput } from '../payment/webhook-simulation.ts';

/* What the messages of all contracts have alike; their enums are what differs. */

interface CancelRequest {
  readonly paymentIntentId: string;
  readonly reason: string;
  readonly refundAmount?: MoneyInput | undefined;
}

interface ListRequest {
  readonly userId: string;
  readonly reservationId: string;
  readonly pagination?:
    { readonly page: number; readonly pageSize: number; readonly cursor: string } | undefined;
}

interface SimulateRequest {
  readonly paymentIntentId: string;
  readonly delaySeconds: number;
  readonly forceTrigger: boolean;
}

export function moneyToProto({ amount, currency }: Money) {
  return { amount: BigInt(amount), currency };
}

/** What a payment tells without enums and its outcome. */
export function paymentFields(payment: Payment) {
  return {
    paymentIntentId: payment.id,
    paymentId: payment.id,
    reservationId: payment.reservationId,
    userId: payment.userId,
    amount: moneyToProto(payment.money),
    createdAt: timestampFromMs(payment.createdAtMs),
    updatedAt: updatedAt(payment),
  };
}

function updatedAt(payment: Payment): Timestamp {
  return timestampFromMs(
    isSettled(payment) ? (payment.aftermath?.updatedAtMs ?? payment.settledAtMs) : payment.createdAtMs,
  );
}

export function toCancelInput(request: CancelRequest, idempotencyKey: string): CancelInput {
  const { paymentIntentId: paymentId, reason, refundAmount } = request;
  return { paymentId, reason, refundAmount, idempotencyKey };
}

/** An answer to CancelPayment without the status. */
export function cancellationFields({ atMs, refund }: Cancellation) {
  return {
    cancelledAt: timestampFromMs(atMs),
    ...(refund && { refundedAmount: moneyToProto(refund.money), refundId: refund.id }),
  };
}

export function toListInput(request: ListRequest, status: ListInput['status']): ListInput {
  const { userId, reservationId, pagination } = request;
  const { page = 0, pageSize = 0, cursor = '' } = pagination ?? {};
  return { userId, reservationId, status, page, pageSize, cursor };
}

export function toPageInfo(list: ListedPayments) {
  return {
    totalCount: list.totalCount,
    hasNextPage: list.hasOlder,
    hasPreviousPage: list.hasNewer,
    nextCursor: list.olderCursor,
    previousCursor: list.newerCursor,
  };
}

export function toSimulateInput(
  request: SimulateRequest,
  target: PaymentStatus | undefined | 'unknown',
): SimulateWebhookInput {
  const { paymentIntentId: paymentId, delaySeconds, forceTrigger: force } = request;
  return { paymentId, target, delaySeconds, force };
}

/** An answer to SimulateWebhook. */
export function simulatedFields({ hasWebhook, eventId, atMs }: SimulatedWebhook) {
  return { webhookSent: hasWebhook, webhookId: eventId, scheduledAt: timestampFromMs(atMs) };
}
