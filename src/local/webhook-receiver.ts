import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { fastify } from 'fastify';
import { signatureHeaders, signBody, signStandard } from '../delivery/webhook-signature.ts';
import type { Logger } from '../observability/logger.ts';
import { isJsonObject } from './aws-json.ts';
import type { LocalServer } from './reservation-api.ts';

/** How far a webhook's timestamp may be from now, in milliseconds. */
const toleranceMs = 300_000;

/**
 * A webhook receiver for development: `POST` on any path answers 204 when both signatures are right,
 * 401 when they are not, and says so in its log.
 *
 * @param options.key the key that the service signs with.
 */
export async function startLocalWebhookReceiver(options: {
  readonly host: string;
  readonly port: number;
  readonly key: Buffer;
  readonly logger: Logger;
}): Promise<LocalServer> {
  const { host, port, key, logger } = options;
  const app = fastify({ forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  // The raw body: parsing and encoding it again would not give the bytes that were signed.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  app.post('/*', ({ headers, body }, reply) => {
    const rawBody = typeof body === 'string' ? body : '';
    const problem = findProblem(key, headers, rawBody, Date.now());
    const fields = { event_id: headers[signatureHeaders.id], ...webhookFields(rawBody) };
    if (problem !== undefined) {
      logger.warn({ ...fields, problem }, 'Webhook refused');
      return reply.code(401).send({ error: problem });
    }
    logger.info(fields, 'Webhook received, signatures verified');
    return reply.code(204).send();
  });

  return { url: await app.listen({ host, port }), stop: () => app.close() };
}

function findProblem(
  key: Buffer,
  headers: IncomingHttpHeaders,
  rawBody: string,
  nowMs: number,
): string | undefined {
  const id = textOf(headers[signatureHeaders.id]);
  const timestamp = textOf(headers[signatureHeaders.timestamp]);
  if (!equal(textOf(headers[signatureHeaders.simple]), signBody(key, rawBody))) {
    return `${signatureHeaders.simple} does not fit`;
  }
  const expected = signStandard(key, id, timestamp, rawBody);
  if (
    !textOf(headers[signatureHeaders.signature])
      .split(' ')
      .some((candidate) => equal(candidate, expected))
  ) {
    return `${signatureHeaders.signature} does not fit`;
  }
  return Math.abs(nowMs - Number(timestamp) * 1000) <= toleranceMs
    ? undefined
    : `${signatureHeaders.timestamp} is too far from now`;
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

function textOf(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}

function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
