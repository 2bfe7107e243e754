import { randomUUID } from 'node:crypto';
import { fastify } from 'fastify';

/** A bare Fastify route over HTTP/1.1: parses the JSON, makes an id and answers. */
const app = fastify();
app.post('/payment.v1.PaymentService/CreatePaymentIntent', () => ({
  payment_intent_id: `pay-${randomUUID()}`,
  status: 'PAYMENT_STATUS_PENDING',
}));
await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });
console.log('ready');
