import { fastify } from 'fastify';
import { isJsonObject } from '../src/base/json.ts';
import type { Logger } from '../src/observability/logger.ts';
import { verifyWebhook, type VerifyWebhookOptions } from '../src/webhook-format/verify.ts';
import { signatureHeaders } from '../src/webhook-format/signature.ts';
import { WebhookVerificationError } from '../src/webhook-format/verification-error.ts';
import type { LocalServer } from './reservation-api.ts';
import { guardHttp1Server } from '../src/server/transport/guard-http1.ts';

/**
 * A webhook receiver for development: `POST` on any path answers 204 when it is genuine, 401 when it
 * is not, and says so in its log.
 *
 * @param options.secret what the service has as WEBHOOK_SECRET.
 */
export async function startLocalWebhookReceiver(options: {
  readonly host: string;
  readonly port: number;
  readonly secret: string | readonly string[];
  readonly logger: Logger;
}): Promise<LocalServer> {
  const { host, port, secret, logger } = options;
  const app = fastify({ forceCloseConnections: true });
  guardHttp1Server(app.server);
  app.removeAllContentTypeParsers();
  // The raw body: parsed and encoded again, its bytes could differ from those that were signed.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  app.post('/*', ({ headers, body }, reply) => {
    const rawBody = typeof body === 'string' ? body : '';
    const problem = findProblem({ body: rawBody, headers, secret });
    const fields = { event_id: headers[signatureHeaders.id], ...webhookFields(rawBody) };
    if (problem !== undefined) {
      logger.warn({ ...fields, problem }, 'Webhook refused');
      return reply.code(401).send({ error: problem });
    }
    logger.info(fields, 'Webhook received, signature verified');
    return reply.code(204).send();
  });

  return { url: await app.listen({ host, port }), stop: () => app.close() };
}

function findProblem(webhook: VerifyWebhookOptions): string | undefined {
  try {
    verifyWebhook(webhook);
    return undefined;
  } catch (error) {
    if (error instanceof WebhookVerificationError) {
      return `${error.code}: ${error.message}`;
    }
    throw error;
  }
}

function webhookFields(rawBody: string): Record<string, unknown> {
  try {
    const webhook: unknown = JSON.parse(rawBody);
    return isJsonObject(webhook)
      ? {
          payment_id: webhook['payment_id'],
          reservation_id: webhook['reservation_id'],
          status: webhook['status'],
        }
      : {};
  } catch {
    return {};
  }
}
