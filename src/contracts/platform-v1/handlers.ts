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
import type { PaymentService, SteeredCreate } from '../../payment/payment-service.ts';
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
import type { SteeredCalls } from '../steering/steered-calls.ts';
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
  readonly calls: SteeredCalls;
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
    createPaymentIntent: (request, context) => answering(() => createIntent(contract, request, context)),
    processPayment: (request, context) => answering(() => process(contract, request, context)),
    getPaymentStatus: (request, context) => answering(() => getStatus(contract, request, context)),
    cancelPayment: (request, context) => answering(() => cancel(contract, request, context)),
    listPayments: (request, context) => answering(() => list(contract, request, context)),
    simulateWebhook: (request, context) => answering(() => simulateWebhook(contract, request, context)),
  };
}

/** Refusals are gRPC statuses; the fields for errors stay empty, since nobody reads them. */
async function answering<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
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
    simulation: undefined,
    method: methodFromProto(request.method),
    metadata: request.metadata && metadataFromProto(request.metadata),
  };
  const decided = contract.calls.decideCreate(context, input);
  const make = async (steered?: SteeredCreate) => {
    const paymentIntentId = await service.create(input, readTrace(context), steered);
    return create(CreatePaymentIntentResponseSchema, {
      paymentIntentId,
      status: PaymentStatus.PENDING,
      ...(await findExpiry(contract, paymentIntentId)),
    });
  };
  return await (decided === undefined ? make() : contract.calls.create(context, decided, make));
}

/** Nothing when the payment cannot be read: it was made, and whoever is told of an error makes another. */
async function findExpiry(
  { service, expiryMs }: Contract,
  paymentId: string,
): Promise<Pick<MessageInitShape<typeof CreatePaymentIntentResponseSchema>, 'expiresAt'>> {
  const payment = await service.get({ paymentId, userId: '' }).catch(() => undefined);
  return payment === undefined ? {} : { expiresAt: expiryOf(payment, expiryMs) };
}

function process(contract: Contract, request: ProcessPaymentRequest, context: HandlerContext) {
  const { paymentIntentId: paymentId } = request;
  const { calls, service } = contract;
  return calls.ofPayment(context, { method: 'ProcessPayment', paymentId, userId: '' }, async () => {
    const idempotencyKey = idempotencyKeyOf(contract, request, context);
    const payment = await service.process({ paymentId, idempotencyKey });
    return create(ProcessPaymentResponseSchema, {
      paymentId: payment.id,
      status: statusToProto[payment.status],
      ...outcomeToProto(payment),
    });
  });
}

function getStatus({ calls, service }: Contract, request: GetPaymentStatusRequest, context: HandlerContext) {
  const { paymentIntentId: paymentId, userId } = request;
  return calls.ofPayment(context, { method: 'GetPaymentStatus', paymentId, userId }, async () => {
    const payment = await service.get({ paymentId, userId });
    return create(GetPaymentStatusResponseSchema, { payment: paymentToProto(payment) });
  });
}

function cancel(contract: Contract, request: CancelPaymentRequest, context: HandlerContext) {
  const { paymentIntentId: paymentId } = request;
  const { calls, service } = contract;
  return calls.ofPayment(context, { method: 'CancelPayment', paymentId, userId: '' }, async () => {
    const key = idempotencyKeyOf(contract, request, context);
    const done = await service.cancel(toCancelInput(request, key));
    return create(CancelPaymentResponseSchema, {
      status: statusToProto[done.status],
      ...cancellationFields(done),
    });
  });
}

function list({ calls, service }: Contract, request: ListPaymentsRequest, context: HandlerContext) {
  return calls.list(context, request, async (sessionId) => {
    const page = await service.list({
      ...toListInput(request, statusFromProto(request.status)),
      sessionId,
    });
    return create(ListPaymentsResponseSchema, {
      payments: page.payments.map(paymentToProto),
      pageInfo: toPageInfo(page),
    });
  });
}

function simulateWebhook(
  { calls, service }: Contract,
  request: SimulateWebhookRequest,
  context: HandlerContext,
) {
  const { paymentIntentId: paymentId } = request;
  return calls.ofPayment(context, { method: 'SimulateWebhook', paymentId, userId: '' }, async () => {
    const target = statusFromProto(request.targetStatus);
    const simulated = await service.simulateWebhook(toSimulateInput(request, target));
    return create(SimulateWebhookResponseSchema, simulatedFields(simulated));
  });
}
