import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
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
import type { CallTrace } from '../../base/call-trace.ts';
import type { PaymentService } from '../../payment/payment-service.ts';
import { idempotencyKeyHeader, readIdempotencyKey } from '../payment-v1/idempotency-key.ts';
import { toPlatformError } from './platform-errors.ts';
import {
  expiryOf,
  metadataFromProto,
  methodFromProto,
  moneyToProto,
  outcomeToProto,
  paymentToProto,
  scenarioFromProto,
  statusFromProto,
  statusToProto,
} from './platform-messages.ts';

/** How handlers read the headers of a call. */
interface CallReaders {
  /** The trace that a call belongs to, by its headers. */
  readonly readTrace: (context: HandlerContext) => CallTrace | undefined;
  /** One header by its name in lower case. */
  readonly readHeader: (context: HandlerContext, name: string) => string | undefined;
}

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

function idempotencyKeyOf(
  { readHeader }: Contract,
  request: { readonly idempotencyKey: string },
  context: HandlerContext,
): string {
  return readIdempotencyKey(request.idempotencyKey, readHeader(context, idempotencyKeyHeader));
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
  const { status, atMs, refund } = await contract.service.cancel({
    paymentId: request.paymentIntentId,
    reason: request.reason,
    refundAmount: request.refundAmount,
    idempotencyKey: idempotencyKeyOf(contract, request, context),
  });
  return create(CancelPaymentResponseSchema, {
    status: statusToProto[status],
    cancelledAt: timestampFromMs(atMs),
    ...(refund && { refundedAmount: moneyToProto(refund.money), refundId: refund.id }),
  });
}

async function list({ service }: Contract, request: ListPaymentsRequest) {
  const { userId, reservationId, status, pagination } = request;
  const page = await service.list({
    userId,
    reservationId,
    status: statusFromProto(status),
    page: pagination?.page ?? 0,
    pageSize: pagination?.pageSize ?? 0,
    cursor: pagination?.cursor ?? '',
  });
  return create(ListPaymentsResponseSchema, {
    payments: page.payments.map(paymentToProto),
    pageInfo: {
      totalCount: page.totalCount,
      hasNextPage: page.hasOlder,
      hasPreviousPage: page.hasNewer,
      nextCursor: page.olderCursor,
      previousCursor: page.newerCursor,
    },
  });
}

async function simulateWebhook({ service }: Contract, request: SimulateWebhookRequest) {
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
}
