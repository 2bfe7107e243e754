import { type CallOptions, Code, ConnectError } from '@connectrpc/connect';
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { createWebhookReceiver } from 'payment-sim';
import { connectGateway } from './gateway.ts';
import { applyEvent, createOrder, type Order, toJson } from './order.ts';

export interface OrderServiceOptions {
  readonly gatewayUrl: string;
  readonly webhookSecret: string;
  /** Where the gateway reaches this service; the address that it listens at unless given. */
  readonly publicUrl?: string | undefined;
  readonly logger?: boolean;
}

interface PlaceOrder {
  readonly user_id: string;
  readonly amount: number;
}

const placeOrderSchema = {
  type: 'object',
  required: ['user_id', 'amount'],
  properties: { user_id: { type: 'string', minLength: 1 }, amount: { type: 'integer', minimum: 1 } },
};

const webhookPath = '/webhooks/payments';
const currency = 'KRW';

/** Takes orders, has them paid by the gateway, and keeps them as the gateway's webhooks say. */
export function buildOrderService(options: OrderServiceOptions): FastifyInstance {
  const { gatewayUrl, webhookSecret: secret, publicUrl, logger = false } = options;
  const app = fastify({ logger });
  const gateway = connectGateway(gatewayUrl);
  const orders = new Map<string, Order>();

  app.post<{ Body: PlaceOrder }>(
    '/orders',
    { schema: { body: placeOrderSchema } },
    async (request, reply) => {
      const order = createOrder(request.body.user_id, request.body.amount);
      // Kept before the call, since the webhook may come before the answer; and after a call that failed, since the
      // gateway may have made the payment all the same.
      orders.set(order.id, order);
      const payment = await gateway.createPaymentIntent(
        {
          reservationId: order.id,
          userId: order.userId,
          amount: { amount: BigInt(order.amount), currency },
          webhookUrl: `${publicUrl ?? app.listeningOrigin}${webhookPath}`,
          idempotencyKey: order.id,
        },
        contextOf(request),
      );
      order.paymentId = payment.paymentIntentId;
      return await reply.code(201).send(toJson(order));
    },
  );

  app.get<{ Params: { id: string } }>('/orders/:id', async (request, reply) => {
    const order = orders.get(request.params.id);
    return order === undefined ? await reply.code(404).send({ error: 'no such order' }) : toJson(order);
  });

  app.post<{ Params: { id: string } }>('/orders/:id/refund', async (request, reply) => {
    const order = orders.get(request.params.id);
    if (order?.paymentId === undefined) {
      return await reply.code(404).send({ error: 'no such order, or no payment for it' });
    }
    // Whether it is paid the gateway knows best: its webhook may still be on its way.
    await gateway.cancelPayment(
      {
        paymentIntentId: order.paymentId,
        refundAmount: { amount: BigInt(order.amount), currency },
        idempotencyKey: `${order.id}-refund`,
      },
      contextOf(request),
    );
    // The order is REFUNDED when the webhook says so: events alone change it, in the order of their sequence.
    return await reply.code(202).send(toJson(order));
  });

  // Verifies the signature over the raw body, answers 401 to what is forged, and hands over each event once.
  const receiver = createWebhookReceiver({
    secret,
    onWebhook: (event) => {
      const order = orders.get(event.reservation_id);
      if (order !== undefined) {
        applyEvent(order, event);
      }
    },
    onError: (error) => app.log.warn(error),
  });
  app.register(receiver.fastify, { path: webhookPath });

  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof ConnectError)) {
      return reply.send(error);
    }
    app.log.warn(error);
    return reply.code(httpStatusOf(error.code)).send({ error: error.rawMessage });
  });

  return app;
}

/**
 * What belongs to the request and goes with every call that is made for it: its baggage. In a service with
 * OpenTelemetry nothing has to be written for that.
 */
function contextOf({ headers: { baggage } }: FastifyRequest): CallOptions {
  return typeof baggage === 'string' ? { headers: { baggage } } : {};
}

function httpStatusOf(code: Code): number {
  if (code === Code.InvalidArgument) {
    return 400;
  }
  return code === Code.FailedPrecondition ? 409 : 503;
}
