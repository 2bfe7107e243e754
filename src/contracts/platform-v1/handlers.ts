import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  type CreatePaymentIntentRequest,
  CreatePaymentIntentResponseSchema,
  GetPaymentStatusResponseSchema,
  PaymentStatus,
  type PaymentService as PlatformServiceDescriptor,
  type ProcessPaymentRequest,
  ProcessPaymentResponseSchema,
} from '../../../gen/platform/payment/v1/payment_pb.js';
import type { CallTrace } from '../../base/call-trace.ts';
import type { PaymentService } from '../../payment/payment-service.ts';
import { idempotencyKeyHeader, readIdempotencyKey } from '../payment-v1/idempotency-key.ts';
import { withGatewayWords } from './gateway-words.ts';
import { expiryOf, platformPaymentOf, platformStatusOf, resultOf, scenarioFromProto } from './to-proto.ts';

/** How handlers read the headers of a call. */
interface CallReaders {
  /** The trace that a call belongs to, by its headers. */
  readonly readTrace: (context: HandlerContext) => CallTrace | undefined;
  /** One header by its name in lower case. */
  readonly readHeader: (context: HandlerContext, name: string) => string | undefined;
}

type Handlers = ServiceImpl<typeof PlatformServiceDescriptor>;

/** What the handlers work with. */
interface PlatformContract extends CallReaders {
  readonly service: PaymentService;
}

/**
 * The handlers of the platform's `payment.v1.PaymentService`: the same use cases in other numbers. Methods that
 * are not here answer UNIMPLEMENTED.
 */
export function createPlatformHandlers(service: PaymentService, readers: CallReaders): Partial<Handlers> {
  const contract = { service, ...readers };
  return {
    createPaymentIntent: (request, context) => inGatewayWords(createIntent(contract, request, context)),
    processPayment: (request, context) => inGatewayWords(processPayment(contract, request, context)),
    getPaymentStatus: (request) =>
      inGatewayWords(
        service
          .get({ paymentId: request.paymentIntentId, userId: request.userId })
          .then((payment) => create(GetPaymentStatusResponseSchema, { payment: platformPaymentOf(payment) })),
      ),
  };
}

/** Refusals stay gRPC statuses: the fields for errors are read by nobody. */
async function inGatewayWords<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw withGatewayWords(error);
  }
}

async function createIntent(
  { service, readTrace, readHeader }: PlatformContract,
  request: CreatePaymentIntentRequest,
  context: HandlerContext,
) {
  const input = {
    reservationId: request.reservationId,
    userId: request.userId,
    money: request.amount,
    scenario: scenarioFromProto(request.scenario),
    webhookUrl: request.webhookUrl,
    idempotencyKey: readIdempotencyKey(request.idempotencyKey, readHeader(context, idempotencyKeyHeader)),
    delayMs: undefined,
  };
  const paymentIntentId = await service.create(input, readTrace(context));
  return create(CreatePaymentIntentResponseSchema, {
    paymentIntentId,
    status: PaymentStatus.PENDING,
    ...(await findExpiry(service, paymentIntentId)),
  });
}

/** Nothing when the payment cannot be read: it was made, and whoever is told of an error makes another. */
async function findExpiry(
  service: PaymentService,
  paymentId: string,
): Promise<Pick<MessageInitShape<typeof CreatePaymentIntentResponseSchema>, 'expiresAt'>> {
  const payment = await service.get({ paymentId, userId: '' }).catch(() => undefined);
  return payment === undefined ? {} : { expiresAt: expiryOf(payment) };
}

async function processPayment(
  { service, readHeader }: PlatformContract,
  request: ProcessPaymentRequest,
  context: HandlerContext,
) {
  const payment = await service.process({
    paymentId: request.paymentIntentId,
    idempotencyKey: readIdempotencyKey(request.idempotencyKey, readHeader(context, idempotencyKeyHeader)),
  });
  return create(ProcessPaymentResponseSchema, {
    paymentId: payment.id,
    status: platformStatusOf(payment),
    processedAt: timestampFromMs(payment.settledAtMs),
    transactionId: payment.transactionId,
    result: resultOf(payment),
  });
}
