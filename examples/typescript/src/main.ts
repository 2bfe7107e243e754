import { buildOrderService } from './order-service.ts';

const {
  HOST: host = '127.0.0.1',
  PORT: port = '8080',
  PAYMENT_GATEWAY_URL: gatewayUrl = 'http://localhost:8030',
  WEBHOOK_SECRET: webhookSecret = 'payment-sim-dev-secret',
  PUBLIC_URL: publicUrl,
} = process.env;

const app = buildOrderService({ gatewayUrl, webhookSecret, publicUrl, logger: true });
process.once('SIGTERM', () => void app.close());
await app.listen({ host, port: Number(port) });
