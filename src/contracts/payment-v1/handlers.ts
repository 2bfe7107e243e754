import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  CreatePaymentIntentResponseSchema,
  GetPaymentStatusResponseSchema,
  PaymentScenario,
  type PaymentSchema,
  type PaymentService as PaymentServiceDescriptor,
  PaymentStatus,
  ProcessPaymentResponseSchema,
} from '../../../gen/payment/v1/payment_pb.js';
import type { CallTrace } from '../../base/call-trace.ts';
import {
  isSettled,
  type Payment,
  type PaymentStatus as Status,
  type Scenario,
} from '../../payment/payment.ts';
import type { PaymentService } from '../../payment/payment-service.ts';
import { idempotencyKeyHeader, readIdempotencyKey } from './idempotency-key.ts';

const statusToProto: Readonly<Record<Status, PaymentStatus>> = {
  PENDING: PaymentStatus.PENDING,
  COMPLETED: PaymentStatus.COMPLETED,
  FAILED: PaymentStatus.FAILED,
};

const scenarioToProto: Readonly<Record<Scenario, PaymentScenario>> = {
  APPROVE: PaymentScenario.APPROVE,
  FAIL: PaymentScenario.FAIL,
  DELAY: PaymentScenario.DELAY,
  RANDOM: PaymentScenario.RANDOM,
};

/** How handlers read the headers of a call. */
interface CallReaders {
  /** The trace that a call belongs to, by its headers. */
  readonly readTrace: (context: HandlerContext) => CallTrace | undefined;
  /** One header by its name in lower case. */
  readonly readHeader: (context: HandlerContext, name: string) => string | undefined;
}

/** The handlers of `payment.v1.PaymentService`: translate between protobuf and the use cases. */
export function createPaymentHandlers(
  service: PaymentService,
  { readTrace, readHeader }: CallReaders,
): ServiceImpl<typeof PaymentServiceDescriptor> {
  function idempotencyKeyOf(request: { readonly idempotencyKey: string }, context: HandlerContext): string {
    return readIdempotencyKey(request.idempotencyKey, readHeader(context, idempotencyKeyHeader));
  }

  return {
    createPaymentIntent(request, context) {
      const input = {
        reservationId: request.reservationId,
        userId: request.userId,
        money: request.amount,
        scenario: scenarioFromProto(request.scenario),
        webhookUrl: request.webhookUrl,
        idempotencyKey: idempotencyKeyOf(request, context),
        delayMs: request.simulation?.delayMs,
      };
      return service.create(input, readTrace(context)).then(toCreateResponse);
    },

    async getPaymentStatus(request) {
      const payment = await service.get({ paymentId: request.paymentIntentId, userId: request.userId });
      return create(GetPaymentStatusResponseSchema, { payment: paymentToProto(payment) });
    },

    async processPayment(request, context) {
      const payment = await service.process({
        paymentId: request.paymentIntentId,
        idempotencyKey: idempotencyKeyOf(request, context),
      });
      return create(ProcessPaymentResponseSchema, {
        paymentId: payment.id,
        status: statusToProto[payment.status],
        processedAt: timestampFromMs(payment.settledAtMs),
        transactionId: payment.transactionId,
      });
    },
  };
}

function toCreateResponse(paymentIntentId: string) {
  return create(CreatePaymentIntentResponseSchema, { paymentIntentId, status: PaymentStatus.PENDING });
}

function scenarioFromProto(scenario: PaymentScenario): Scenario | undefined | 'unknown' {
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
    default:
      // proto3 enums are open: a number without a name in the schema is parsed as that number.
      return 'unknown';
  }
}

function paymentToProto(payment: Payment): MessageInitShape<typeof PaymentSchema> {
  const settled = isSettled(payment);
  const processedAt: Timestamp | undefined = settled ? timestampFromMs(payment.settledAtMs) : undefined;
  return {
    paymentIntentId: payment.id,
    paymentId: payment.id,
    reservationId: payment.reservationId,
    userId: payment.userId,
    status: statusToProto[payment.status],
    amount: { amount: BigInt(payment.money.amount), currency: payment.money.currency },
    scenario: scenarioToProto[payment.scenario],
    createdAt: timestampFromMs(payment.createdAtMs),
    updatedAt: processedAt ?? timestampFromMs(payment.createdAtMs),
    ...(processedAt === undefined ? {} : { processedAt }),
    transactionId: settled ? payment.transactionId : '',
    failureCode: (settled ? payment.failureCode : undefined) ?? '',
  };
}
