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
import { behaviorFromProto } from './simulation-messages.ts';
import type { SteeredCalls } from '../steering/steered-calls.ts';
import {
  metadataFromProto,
  methodFromProto,
  paymentToProto,
  scenarioFromProto,
  settledTimes,
  statusFromProto,
  statusToProto,
} from './payment-messages.ts';

type Handlers = ServiceImpl<typeof PaymentServiceDescriptor>;

/** What the handlers work with. */
interface Contract {
  readonly service: PaymentService;
  readonly readers: CallReaders;
  readonly calls: SteeredCalls;
}

/** The handlers of `payment.v1.PaymentService`: translate between protobuf and the use cases. */
export function createPaymentHandlers(contract: Contract): Handlers {
  return { ...createMakers(contract), ...createChanges(contract), ...createReads(contract) };
}

function createMakers({
  service,
  readers,
  calls,
}: Contract): Pick<Handlers, 'createPaymentIntent' | 'processPayment'> {
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
        simulation: request.simulation && behaviorFromProto(request.simulation),
        method: methodFromProto(request.method),
        metadata: request.metadata && metadataFromProto(request.metadata),
      };
      const decided = calls.decideCreate(context, input);
      return decided === undefined
        ? service.create(input, readTrace(context)).then(toCreateResponse)
        : calls.create(context, decided, (steered) =>
            service.create(input, readTrace(context), steered).then(toCreateResponse),
          );
    },

    processPayment(request, context) {
      const { paymentIntentId: paymentId } = request;
      return calls.ofPayment(context, { method: 'ProcessPayment', paymentId, userId: '' }, async () => {
        const idempotencyKey = idempotencyKeyOf(readers, request, context);
        const payment = await service.process({ paymentId, idempotencyKey });
        return create(ProcessPaymentResponseSchema, {
          paymentId: payment.id,
          status: statusToProto[payment.status],
          transactionId: payment.transactionId,
          ...settledTimes(payment),
        });
      });
    },
  };
}

function createChanges({
  service,
  readers,
  calls,
}: Contract): Pick<Handlers, 'cancelPayment' | 'simulateWebhook'> {
  return {
    cancelPayment(request, context) {
      const { paymentIntentId: paymentId } = request;
      return calls.ofPayment(context, { method: 'CancelPayment', paymentId, userId: '' }, async () => {
        const idempotencyKey = idempotencyKeyOf(readers, request, context);
        const done = await service.cancel(toCancelInput(request, idempotencyKey));
        return create(CancelPaymentResponseSchema, {
          status: statusToProto[done.status],
          ...cancellationFields(done),
        });
      });
    },

    simulateWebhook(request, context) {
      const { paymentIntentId: paymentId } = request;
      return calls.ofPayment(context, { method: 'SimulateWebhook', paymentId, userId: '' }, async () => {
        const target = statusFromProto(request.targetStatus);
        const simulated = await service.simulateWebhook(toSimulateInput(request, target));
        return create(SimulateWebhookResponseSchema, simulatedFields(simulated));
      });
    },
  };
}

function createReads({ service, calls }: Contract): Pick<Handlers, 'getPaymentStatus' | 'listPayments'> {
  return {
    getPaymentStatus(request, context) {
      const { paymentIntentId: paymentId, userId } = request;
      return calls.ofPayment(context, { method: 'GetPaymentStatus', paymentId, userId }, async () => {
        const payment = await service.get({ paymentId, userId });
        return create(GetPaymentStatusResponseSchema, { payment: paymentToProto(payment) });
      });
    },

    listPayments(request, context) {
      return calls.list(context, request, async (sessionId) => {
        const input = toListInput(request, statusFromProto(request.status));
        const list = await service.list({ ...input, sessionId });
        return create(ListPaymentsResponseSchema, {
          payments: list.payments.map(paymentToProto),
          pageInfo: toPageInfo(list),
        });
      });
    },
  };
}

function toCreateResponse(paymentIntentId: string) {
  return create(CreatePaymentIntentResponseSchema, { paymentIntentId, status: PaymentStatus.PENDING });
}
