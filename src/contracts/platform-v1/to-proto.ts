import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type PaymentResultSchema,
  PaymentScenario,
  type PaymentSchema,
  PaymentStatus,
} from '../../../gen/platform/payment/v1/payment_pb.js';
import {
  isSettled,
  type Payment,
  type PaymentStatus as Status,
  type Scenario,
  type SettledPayment,
} from '../../payment/payment.ts';
import { declineOf } from './decline-codes.ts';

/* The domain's words in the numbers that the platform's stubs know. */

const statusToProto: Readonly<Record<Status, PaymentStatus>> = {
  PENDING: PaymentStatus.PENDING,
  COMPLETED: PaymentStatus.COMPLETED,
  FAILED: PaymentStatus.FAILED,
};

/** How long a payer may take, in milliseconds. Nothing ends by it: a payment settles long before. */
const payWithinMs = 900_000;

export function platformStatusOf({ status }: Pick<Payment, 'status'>): PaymentStatus {
  return statusToProto[status];
}

/** Until when the payer may take to pay; never before the payment settles by itself. */
export function expiryOf({ createdAtMs, dueAtMs }: Payment): Timestamp {
  return timestampFromMs(Math.max(createdAtMs + payWithinMs, dueAtMs));
}

/** `'unknown'`: the caller sent a number that no scenario has. */
export function scenarioFromProto(scenario: PaymentScenario): Scenario | undefined | 'unknown' {
  switch (scenario) {
    case PaymentScenario.UNSPECIFIED:
      return undefined;
    case PaymentScenario.APPROVE:
      return 'APPROVE';
    case PaymentScenario.FAIL:
      return 'FAIL';
    case PaymentScenario.DELAY:
      return 'DELAY';
    case PaymentScenario.RANDOM:
      return 'RANDOM';
    // Needs an outcome that the domain does not have yet: a payment that expires.
    case PaymentScenario.TIMEOUT:
    default:
      // proto3 enums are open: a number without a name in the schema is parsed as that number.
      return 'unknown';
  }
}

export function platformPaymentOf(payment: Payment): MessageInitShape<typeof PaymentSchema> {
  const settled = isSettled(payment) ? payment : undefined;
  return {
    paymentIntentId: payment.id,
    paymentId: payment.id,
    reservationId: payment.reservationId,
    userId: payment.userId,
    status: platformStatusOf(payment),
    amount: { amount: BigInt(payment.money.amount), currency: payment.money.currency },
    createdAt: timestampFromMs(payment.createdAtMs),
    updatedAt: timestampFromMs(settled?.settledAtMs ?? payment.createdAtMs),
    ...(settled !== undefined && {
      processedAt: timestampFromMs(settled.settledAtMs),
      transactionId: settled.transactionId,
      result: resultOf(settled),
    }),
  };
}

/** How a payment went, in the words of gateways. */
export function resultOf(payment: SettledPayment): MessageInitShape<typeof PaymentResultSchema> {
  const processedAt = timestampFromMs(payment.settledAtMs);
  const { failureCode } = payment;
  return failureCode === undefined
    ? { success: true, gatewayResponse: 'APPROVED', responseCode: 0, processedAt }
    : { success: false, failureReason: failureCode, ...declineOf(failureCode), processedAt };
}
