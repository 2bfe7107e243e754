import { randomUUID } from 'node:crypto';
import { fastifyConnectPlugin } from '@connectrpc/connect-fastify';
import { fastify } from 'fastify';
import { PaymentService, PaymentStatus } from '../../gen/payment/v1/payment_pb.js';

/** The stock adapter, its handler doing nothing but making an id. */
const app = fastify({ http2: true });
await app.register(fastifyConnectPlugin, {
  routes(router) {
    router.service(PaymentService, {
      createPaymentIntent: () => ({ paymentIntentId: `pay-${randomUUID()}`, status: PaymentStatus.PENDING }),
    });
  },
});
await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });
console.log('ready');
