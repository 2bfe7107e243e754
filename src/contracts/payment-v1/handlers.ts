import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  CancelPaymentResponseSchema,
  CreatePaymentIntentResponseSchema,
  GetPaymentStatusResponseSchema,
  ListPaymentsResponseSchema,
  type PaymentService as PaymentServiceDescriptor,
  PaymentStatus,
  ProcessPaymentResponseSchema,
  SimulateWebhookResponseSchema,
} from '../../../gen/payment/v1/payment_pb.js';
import type { CallTrace } from '../../base/call-trace.ts';
import type { PaymentService } from '../../payment/payment-service.ts';
import { idempotencyKeyHeader, readIdempotencyKey } from './idempotency-key.ts';
import {
  metadataFromProto,
  methodFromProto,
  moneyToProto,
  paymentToProto,
  refundFromProto,
  scenarioFromProto,
  settledTimes,
  statusFromProto,
  statusToProto,
} from './payment-messages.ts';

/** How handlers read the headers of a call. */
interface CallReaders {
  /** The trace that a call belongs to, by its headers. */
  readonly readTrace: (context: HandlerContext) => CallTrace | undefined;
  /** One header by its name in lower case. */
  readonly readHeader: (context: HandlerContext, name: string) => string | undefined;
}

type Handlers = ServiceImpl<typeof PaymentServiceDescriptor>;

/** The handlers of `payment.v1.PaymentService`: translate between protobuf and the use cases. */
export function createPaymentHandlers(service: PaymentService, readers: CallReaders): Handlers {
  return { ...createMakers(service, readers), ...createChanges(service, readers), ...createReads(service) };
}

function createMakers(
  service: PaymentService,
  readers: CallReaders,
): Pick<Handlers, 'createPaymentIntent' | 'processPayment'> {
  const { readTrace } = readers;
  return {
    createPaymentIntent(request, context) {
      const input = {
        reservationId: request.reservationId,
        userId: request.userId,
        money: request.amount,
        scenario: scenarioFromProto(request.scenario),
        webhookUrl: request.webhookUrl,
        idempotencyKey: idempotencyKeyOf(readers, request, context),
        delayMs: request.simulation?.delayMs,
        method: methodFromProto(request.method),
        metadata: request.metadata && metadataFromProto(request.metadata),
        refund: request.simulation?.refund && refundFromProto(request.simulation.refund),
      };
      return service.create(input, readTrace(context)).then(toCreateResponse);
    },

    async processPayment(request, context) {
      const payment = await service.process({
        paymentId: request.paymentIntentId,
        idempotencyKey: idempotencyKeyOf(readers, request, context),
      });
      return create(ProcessPaymentResponseSchema, {
        paymentId: payment.id,
        status: statusToProto[payment.status],
        transactionId: payment.transactionId,
        ...settledTimes(payment),
      });
    },
  };
}

function createChanges(
  service: PaymentService,
  readers: CallReaders,
): Pick<Handlers, 'cancelPayment' | 'simulateWebhook'> {
  return {
    async cancelPayment(request, context) {
      const { status, atMs, refund } = await service.cancel({
        paymentId: request.paymentIntentId,
        reason: request.reason,
        refundAmount: request.refundAmount,
        idempotencyKey: idempotencyKeyOf(readers, request, context),
      });
      return create(CancelPaymentResponseSchema, {
        status: statusToProto[status],
        cancelledAt: timestampFromMs(atMs),
        ...(refund && { refundedAmount: moneyToProto(refund.money), refundId: refund.id }),
      });
    },

    async simulateWebhook(request) {
      const { hasWebhook, eventId, atMs } = await service.simulateWebhook({
        paymentId: request.paymentIntentId,
        target: statusFromProto(request.targetStatus),
        delaySeconds: request.delaySeconds,
        force: request.forceTrigger,
      });
      return create(SimulateWebhookResponseSchema, {
        webhookSent: hasWebhook,
        webhookId: eventId,
        scheduledAt: timestampFromMs(atMs),
      });
    },
  };
}

function createReads(service: PaymentService): Pick<Handlers, 'getPaymentStatus' | 'listPayments'> {
  return {
    async getPaymentStatus(request) {
      const payment = await service.get({ paymentId: request.paymentIntentId, userId: request.userId });
      return create(GetPaymentStatusResponseSchema, { payment: paymentToProto(payment) });
    },

    async listPayments({ userId, reservationId, status, pagination }) {
      const list = await service.list({
        userId,
        reservationId,
        status: statusFromProto(status),
        page: pagination?.page ?? 0,
        pageSize: pagination?.pageSize ?? 0,
        cursor: pagination?.cursor ?? '',
      });
      return create(ListPaymentsResponseSchema, {
        payments: list.payments.map(paymentToProto),
        pageInfo: {
          totalCount: list.totalCount,
          hasNextPage: list.hasOlder,
          hasPreviousPage: list.hasNewer,
          nextCursor: list.olderCursor,
          previousCursor: list.newerCursor,
        },
      });
    },
  };
}

function idempotencyKeyOf(
  { readHeader }: CallReaders,
  request: { readonly idempotencyKey: string },
  context: HandlerContext,
): string {
  return readIdempotencyKey(request.idempotencyKey, readHeader(context, idempotencyKeyHeader));
}

function toCreateResponse(paymentIntentId: string) {
  return create(CreatePaymentIntentResponseSchema, { paymentIntentId, status: PaymentStatus.PENDING });
}
