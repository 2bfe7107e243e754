import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
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
import type { PaymentService } from '../../payment/payment-service.ts';
import type { CallReaders } from '../call-readers.ts';
import { idempotencyKeyOf } from '../idempotency-key.ts';
import {
  cancellationFields,
  simulatedFields,
  toCancelInput,
  toListInput,
  toPageInfo,
  toSimulateInput,
} from '../shared-messages.ts';
import {
  metadataFromProto,
  methodFromProto,
  paymentToProto,
  refundFromProto,
  scenarioFromProto,
  settledTimes,
  statusFromProto,
  statusToProto,
} from './payment-messages.ts';

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
      const done = await service.cancel(toCancelInput(request, idempotencyKeyOf(readers, request, context)));
      return create(CancelPaymentResponseSchema, {
        status: statusToProto[done.status],
        ...cancellationFields(done),
      });
    },

    async simulateWebhook(request) {
      const target = statusFromProto(request.targetStatus);
      const simulated = await service.simulateWebhook(toSimulateInput(request, target));
      return create(SimulateWebhookResponseSchema, simulatedFields(simulated));
    },
  };
}

function createReads(service: PaymentService): Pick<Handlers, 'getPaymentStatus' | 'listPayments'> {
  return {
    async getPaymentStatus(request) {
      const payment = await service.get({ paymentId: request.paymentIntentId, userId: request.userId });
      return create(GetPaymentStatusResponseSchema, { payment: paymentToProto(payment) });
    },

    async listPayments(request) {
      const list = await service.list(toListInput(request, statusFromProto(request.status)));
      return create(ListPaymentsResponseSchema, {
        payments: list.payments.map(paymentToProto),
        pageInfo: toPageInfo(list),
      });
    },
  };
}

function toCreateResponse(paymentIntentId: string) {
  return create(CreatePaymentIntentResponseSchema, { paymentIntentId, status: PaymentStatus.PENDING });
}
