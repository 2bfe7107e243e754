import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  PaymentMethod as ProtoMethod,
  type PaymentMetadata as ProtoMetadata,
  type PaymentMetadataSchema,
  PaymentScenario,
  type PaymentSchema,
  PaymentStatus,
  SimulatedOutcome,
  type SimulatedRefund,
} from '../../../gen/payment/v1/payment_pb.js';
import type { CreateIntentInput } from '../../payment/validation.ts';
import {
  isSettled,
  type Money,
  type Payment,
  type PaymentMetadata,
  type PaymentMethod,
  type PaymentStatus as Status,
  refundedAmount,
  type Scenario,
  type SettledPayment,
} from '../../payment/payment.ts';

/* What messages of the contract and the domain have in common, in both directions. */

export const statusToProto: Readonly<Record<Status, PaymentStatus>> = {
  PENDING: PaymentStatus.PENDING,
  COMPLETED: PaymentStatus.COMPLETED,
  FAILED: PaymentStatus.FAILED,
  CANCELLED: PaymentStatus.CANCELLED,
  REFUNDED: PaymentStatus.REFUNDED,
  EXPIRED: PaymentStatus.EXPIRED,
};

const scenarioToProto: Readonly<Record<Scenario, PaymentScenario>> = {
  APPROVE: PaymentScenario.APPROVE,
  FAIL: PaymentScenario.FAIL,
  DELAY: PaymentScenario.DELAY,
  RANDOM: PaymentScenario.RANDOM,
};

const methodToProto: Readonly<Record<PaymentMethod, ProtoMethod>> = {
  CREDIT_CARD: ProtoMethod.CREDIT_CARD,
  DEBIT_CARD: ProtoMethod.DEBIT_CARD,
  BANK_TRANSFER: ProtoMethod.BANK_TRANSFER,
  MOBILE_PAY: ProtoMethod.MOBILE_PAY,
  DIGITAL_WALLET: ProtoMethod.DIGITAL_WALLET,
};

/*
 * proto3 enums are open: a number without a name in the schema is parsed as that number, and is `'unknown'`
 * here. 0 is nothing.
 */

export function statusFromProto(status: PaymentStatus): Status | undefined | 'unknown' {
  return nameOf(statusToProto, status);
}

export function scenarioFromProto(scenario: PaymentScenario): Scenario | undefined | 'unknown' {
  return nameOf(scenarioToProto, scenario);
}

export function methodFromProto(method: ProtoMethod): PaymentMethod | undefined | 'unknown' {
  return nameOf(methodToProto, method);
}

function nameOf<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
  number: number,
): Name | undefined | 'unknown' {
  if (number === 0) {
    return undefined;
  }
  for (const name in numbers) {
    if (numbers[name] === number) {
      return name;
    }
  }
  return 'unknown';
}

export function metadataFromProto(metadata: ProtoMetadata): PaymentMetadata {
  const { source, userAgent, ipAddress, sessionId, scenario, tags } = metadata;
  return { source, userAgent, ipAddress, sessionId, scenario, tags };
}

export function refundFromProto(refund: SimulatedRefund): CreateIntentInput['refund'] {
  return {
    outcome: outcomeFromProto(refund.outcome),
    delayMs: refund.delayMs,
    failureCode: refund.failureCode,
  };
}

function outcomeFromProto(outcome: SimulatedOutcome): 'APPROVE' | 'DECLINE' | undefined | 'unknown' {
  return nameOf({ APPROVE: SimulatedOutcome.APPROVE, DECLINE: SimulatedOutcome.DECLINE }, outcome);
}

export function moneyToProto({ amount, currency }: Money) {
  return { amount: BigInt(amount), currency };
}

/** When money was asked for; nothing for a payment that was cancelled or has expired. */
export function settledTimes({ transactionId, settledAtMs }: SettledPayment): {
  readonly processedAt?: Timestamp;
} {
  return transactionId === '' ? {} : { processedAt: timestampFromMs(settledAtMs) };
}

export function paymentToProto(payment: Payment): MessageInitShape<typeof PaymentSchema> {
  const settled = isSettled(payment) ? payment : undefined;
  const refunded = refundedAmount(payment);
  return {
    paymentIntentId: payment.id,
    paymentId: payment.id,
    reservationId: payment.reservationId,
    userId: payment.userId,
    status: statusToProto[payment.status],
    amount: moneyToProto(payment.money),
    scenario: scenarioToProto[payment.scenario],
    createdAt: timestampFromMs(payment.createdAtMs),
    updatedAt: timestampFromMs(updatedAtMs(payment)),
    ...(settled && settledTimes(settled)),
    transactionId: settled?.transactionId ?? '',
    failureCode: settled?.failureCode ?? '',
    ...(refunded > 0 && { refundedAmount: moneyToProto({ ...payment.money, amount: refunded }) }),
    ...(payment.extras && extrasToProto(payment.extras)),
  };
}

function updatedAtMs(payment: Payment): number {
  return isSettled(payment) ? (payment.aftermath?.updatedAtMs ?? payment.settledAtMs) : payment.createdAtMs;
}

function extrasToProto({ method, metadata }: NonNullable<Payment['extras']>) {
  const message: MessageInitShape<typeof PaymentMetadataSchema> | undefined = metadata && {
    ...metadata,
    tags: { ...metadata.tags },
  };
  return { ...(method && { method: methodToProto[method] }), ...(message && { metadata: message }) };
}
