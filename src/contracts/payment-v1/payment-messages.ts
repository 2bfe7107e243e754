import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  PaymentMethod as ProtoMethod,
  type PaymentMetadata as ProtoMetadata,
  type PaymentMetadataSchema,
  PaymentScenario,
  type PaymentSchema,
  PaymentStatus,
} from '../../../gen/payment/v1/payment_pb.js';
import {
  isSettled,
  type Payment,
  type PaymentMetadata,
  type PaymentMethod,
  type PaymentStatus as Status,
  refundedAmount,
  type Scenario,
  type SettledPayment,
} from '../../payment/payment.ts';
import { createEnumReader } from '../enum-reader.ts';
import { moneyToProto, paymentFields } from '../shared-messages.ts';

/* The domain's words in the numbers of the contract, in both directions. */

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

export const statusFromProto = createEnumReader(statusToProto);
export const scenarioFromProto = createEnumReader(scenarioToProto);
export const methodFromProto = createEnumReader(methodToProto);

export function metadataFromProto(metadata: ProtoMetadata): PaymentMetadata {
  const { source, userAgent, ipAddress, sessionId, scenario, tags } = metadata;
  return { source, userAgent, ipAddress, sessionId, scenario, tags };
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
    ...paymentFields(payment),
    status: statusToProto[payment.status],
    scenario: scenarioToProto[payment.scenario],
    ...(settled && settledTimes(settled)),
    transactionId: settled?.transactionId ?? '',
    failureCode: settled?.failureCode ?? '',
    ...(refunded > 0 && { refundedAmount: moneyToProto({ ...payment.money, amount: refunded }) }),
    ...(payment.extras && extrasToProto(payment.extras)),
  };
}

function extrasToProto({ method, metadata, sessionId, ruleId }: NonNullable<Payment['extras']>) {
  const message: MessageInitShape<typeof PaymentMetadataSchema> | undefined = metadata && {
    ...metadata,
    tags: { ...metadata.tags },
  };
  return {
    ...(method && { method: methodToProto[method] }),
    ...(message && { metadata: message }),
    sessionId,
    ruleId,
  };
}
