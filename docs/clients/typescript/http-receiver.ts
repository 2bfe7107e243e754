// Receives webhooks with node:http and the package's verifyWebhook.
import { createServer } from 'node:http';
import { verifyWebhook, WebhookVerificationError } from 'payment-sim';

const secret = process.env['WEBHOOK_SECRET'] ?? 'payment-sim-dev-secret';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    try {
      const event = verifyWebhook({ body: Buffer.concat(chunks), headers: request.headers, secret });
      console.log('genuine', event.payment_id, event.status);
      response.writeHead(204).end();
    } catch (error) {
      console.log('REFUSED', error instanceof WebhookVerificationError ? error.code : error);
      response.writeHead(401).end();
    }
  });
});
server.listen(Number(process.env['PORT'] ?? 9000), '127.0.0.1', () => console.log(server.address()));
