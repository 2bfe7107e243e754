import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  type CancelPaymentRequest,
  CancelPaymentResponseSchema,
  type CreatePaymentIntentRequest,
  CreatePaymentIntentResponseSchema,
  type GetPaymentStatusRequest,
  GetPaymentStatusResponseSchema,
  type ListPaymentsRequest,
  ListPaymentsResponseSchema,
  PaymentScenario,
  type PaymentService as PlatformServiceDescriptor,
  PaymentStatus,
  type ProcessPaymentRequest,
  ProcessPaymentResponseSchema,
  type SimulateWebhookRequest,
  SimulateWebhookResponseSchema,
} from '../../../gen/platform/payment/v1/payment_pb.js';
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
import { toPlatformError } from './platform-errors.ts';
import {
  expiryOf,
  metadataFromProto,
  methodFromProto,
  outcomeToProto,
  paymentToProto,
  scenarioFromProto,
  statusFromProto,
  statusToProto,
} from './platform-messages.ts';

interface PlatformOptions extends CallReaders {
  /** How long a payment waits that nobody pays, in milliseconds. */
  readonly expiryMs: number;
}

/** What the handlers work with. */
interface Contract extends PlatformOptions {
  readonly service: PaymentService;
}

/** The handlers of the platform's `payment.v1.PaymentService`: the same use cases, in its numbers. */
export function createPlatformHandlers(
  service: PaymentService,
  options: PlatformOptions,
): ServiceImpl<typeof PlatformServiceDescriptor> {
  const contract = { service, ...options };
  return {
    createPaymentIntent: (request, context) => answering(createIntent(contract, request, context)),
    processPayment: (request, context) => answering(process(contract, request, context)),
    getPaymentStatus: (request) => answering(getStatus(contract, request)),
    cancelPayment: (request, context) => answering(cancel(contract, request, context)),
    listPayments: (request) => answering(list(contract, request)),
    simulateWebhook: (request) => answering(simulateWebhook(contract, request)),
  };
}

/** Refusals are gRPC statuses; the fields for errors stay empty, since nobody reads them. */
async function answering<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toPlatformError(error);
  }
}

async function createIntent(
  contract: Contract,
  request: CreatePaymentIntentRequest,
  context: HandlerContext,
) {
  const { service, readTrace } = contract;
  // A scenario there, and an outcome here: nobody pays.
  const expires = request.scenario === PaymentScenario.TIMEOUT;
  const input = {
    reservationId: request.reservationId,
    userId: request.userId,
    money: request.amount,
    scenario: expires ? undefined : scenarioFromProto(request.scenario),
    expires,
    webhookUrl: request.webhookUrl,
    idempotencyKey: idempotencyKeyOf(contract, request, context),
    delayMs: undefined,
    method: methodFromProto(request.method),
    metadata: request.metadata && metadataFromProto(request.metadata),
  };
  const paymentIntentId = await service.create(input, readTrace(context));
  return create(CreatePaymentIntentResponseSchema, {
    paymentIntentId,
    status: PaymentStatus.PENDING,
    ...(await findExpiry(contract, paymentIntentId)),
  });
}

/** Nothing when the payment cannot be read: it was made, and whoever is told of an error makes another. */
async function findExpiry(
  { service, expiryMs }: Contract,
  paymentId: string,
): Promise<Pick<MessageInitShape<typeof CreatePaymentIntentResponseSchema>, 'expiresAt'>> {
  const payment = await service.get({ paymentId, userId: '' }).catch(() => undefined);
  return payment === undefined ? {} : { expiresAt: expiryOf(payment, expiryMs) };
}

async function process(contract: Contract, request: ProcessPaymentRequest, context: HandlerContext) {
  const payment = await contract.service.process({
    paymentId: request.paymentIntentId,
    idempotencyKey: idempotencyKeyOf(contract, request, context),
  });
  return create(ProcessPaymentResponseSchema, {
    paymentId: payment.id,
    status: statusToProto[payment.status],
    ...outcomeToProto(payment),
  });
}

async function getStatus({ service }: Contract, { paymentIntentId, userId }: GetPaymentStatusRequest) {
  const payment = await service.get({ paymentId: paymentIntentId, userId });
  return create(GetPaymentStatusResponseSchema, { payment: paymentToProto(payment) });
}

async function cancel(contract: Contract, request: CancelPaymentRequest, context: HandlerContext) {
  const key = idempotencyKeyOf(contract, request, context);
  const done = await contract.service.cancel(toCancelInput(request, key));
  return create(CancelPaymentResponseSchema, {
    status: statusToProto[done.status],
    ...cancellationFields(done),
  });
}

async function list({ service }: Contract, request: ListPaymentsRequest) {
  const page = await service.list(toListInput(request, statusFromProto(request.status)));
  return create(ListPaymentsResponseSchema, {
    payments: page.payments.map(paymentToProto),
    pageInfo: toPageInfo(page),
  });
}

async function simulateWebhook({ service }: Contract, request: SimulateWebhookRequest) {
  const target = statusFromProto(request.targetStatus);
  const simulated = await service.simulateWebhook(toSimulateInput(request, target));
  return create(SimulateWebhookResponseSchema, simulatedFields(simulated));
}
