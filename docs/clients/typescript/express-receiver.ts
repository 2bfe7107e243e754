// Receives webhooks with Express and the package's verifyWebhook.
import express from 'express';
import { verifyWebhook, WebhookVerificationError } from 'payment-sim';

const secret = process.env['WEBHOOK_SECRET'] ?? 'payment-sim-dev-secret';
const app = express();

// Before any app.use(express.json()), which would leave only the parsed body.
app.post('/webhooks', express.raw({ type: '*/*' }), (request, response) => {
  try {
    const event = verifyWebhook({ body: request.body, headers: request.headers, secret });
    console.log('genuine', event.payment_id, event.status);
    response.sendStatus(204);
  } catch (error) {
    console.log('REFUSED', error instanceof WebhookVerificationError ? error.code : error);
    response.sendStatus(401);
  }
});
const server = app.listen(Number(process.env['PORT'] ?? 9000), '127.0.0.1', () => {
  console.log(server.address());
});
