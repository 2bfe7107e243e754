import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  PaymentMethod as ProtoMethod,
  type PaymentMetadata as ProtoMetadata,
  type PaymentMetadataSchema,
  type PaymentResultSchema,
  PaymentScenario,
  type PaymentSchema,
  PaymentStatus,
} from '../../../gen/platform/payment/v1/payment_pb.js';
import {
  isSettled,
  type Payment,
  type PaymentMetadata,
  type PaymentMethod,
  type PaymentStatus as Status,
  type Scenario,
  type SettledPayment,
} from '../../payment/payment.ts';
import { createEnumReader } from '../enum-reader.ts';
import { paymentFields } from '../shared-messages.ts';
import { declineOf } from './decline-codes.ts';

/* The domain's words in the numbers that the platform's stubs know, in both directions. */

export const statusToProto: Readonly<Record<Status, PaymentStatus>> = {
  PENDING: PaymentStatus.PENDING,
  COMPLETED: PaymentStatus.COMPLETED,
  FAILED: PaymentStatus.FAILED,
  CANCELLED: PaymentStatus.CANCELLED,
  REFUNDED: PaymentStatus.REFUNDED,
  EXPIRED: PaymentStatus.EXPIRED,
};

/** Those that were published. */
const scenarioToProto: Readonly<Partial<Record<Scenario, PaymentScenario>>> = {
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

/** PROCESSING is `'unknown'`: no payment ever is. */
export const statusFromProto = createEnumReader(statusToProto);
/** Not of TIMEOUT, which is no scenario of the domain. */
export const scenarioFromProto = createEnumReader(scenarioToProto);
export const methodFromProto = createEnumReader(methodToProto);

const scenarioPrefix = 'PAYMENT_SCENARIO_';

/** The domain keeps the scenario of the metadata as a text: by its name, or as a number that has none. */
export function metadataFromProto(metadata: ProtoMetadata): PaymentMetadata {
  const { source, userAgent, ipAddress, sessionId, scenario, tags } = metadata;
  const name = PaymentScenario[scenario];
  const text = name === undefined ? String(scenario) : `${scenarioPrefix}${name}`;
  return {
    source,
    userAgent,
    ipAddress,
    sessionId,
    tags,
    scenario: scenario === PaymentScenario.UNSPECIFIED ? '' : text,
  };
}

function metadataToProto({ scenario, tags, ...texts }: PaymentMetadata) {
  const named = Object.entries(PaymentScenario).find(([name]) => `${scenarioPrefix}${name}` === scenario);
  const number = Number(named?.[1] ?? (/^\d{1,9}$/.test(scenario) ? scenario : 0));
  const message: MessageInitShape<typeof PaymentMetadataSchema> = {
    ...texts,
    tags: { ...tags },
    scenario: number,
  };
  return message;
}

/**
 * Until when the payer may take to pay; never before the payment settles by itself.
 *
 * @param expiryMs how long a payment waits that nobody pays.
 */
export function expiryOf({ createdAtMs, dueAtMs }: Payment, expiryMs: number): Timestamp {
  return timestampFromMs(Math.max(createdAtMs + expiryMs, dueAtMs));
}

export function paymentToProto(payment: Payment): MessageInitShape<typeof PaymentSchema> {
  const { extras } = payment;
  return {
    ...paymentFields(payment),
    status: statusToProto[payment.status],
    ...(isSettled(payment) && outcomeToProto(payment)),
    ...(extras?.method && { method: methodToProto[extras.method] }),
    ...(extras?.metadata && { metadata: metadataToProto(extras.metadata) }),
  };
}

/** What came of asking for money; nothing for a payment that was cancelled or has expired. */
export function outcomeToProto(payment: SettledPayment) {
  const { transactionId } = payment;
  return transactionId === ''
    ? {}
    : { transactionId, processedAt: timestampFromMs(payment.settledAtMs), result: resultOf(payment) };
}

/** How a payment went, in the words of gateways. */
function resultOf(payment: SettledPayment): MessageInitShape<typeof PaymentResultSchema> {
  const processedAt = timestampFromMs(payment.settledAtMs);
  const { failureCode } = payment;
  return failureCode === undefined
    ? { success: true, gatewayResponse: 'APPROVED', responseCode: 0, processedAt }
    : { success: false, failureReason: failureCode, ...declineOf(failureCode), processedAt };
}
