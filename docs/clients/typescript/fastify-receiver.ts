// Receives webhooks with Fastify and the package's verifyWebhook.
import { fastify } from 'fastify';
import { verifyWebhook, WebhookVerificationError } from 'payment-sim';

const secret = process.env['WEBHOOK_SECRET'] ?? 'payment-sim-dev-secret';
const app = fastify();

// In a plugin of its own, so that other routes keep their JSON parser.
app.register(async (webhooks) => {
  webhooks.removeAllContentTypeParsers();
  webhooks.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  webhooks.post<{ Body: Buffer }>('/webhooks', async (request, reply) => {
    try {
      const event = verifyWebhook({ body: request.body, headers: request.headers, secret });
      console.log('genuine', event.payment_id, event.status);
      return await reply.code(204).send();
    } catch (error) {
      console.log('REFUSED', error instanceof WebhookVerificationError ? error.code : error);
      return await reply.code(401).send();
    }
  });
});
await app.listen({ port: Number(process.env['PORT'] ?? 9000), host: '127.0.0.1' });
console.log(app.server.address());
