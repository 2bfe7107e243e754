import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { errorMessage } from '../base/error-text.ts';
import type { PaymentWebhook } from '../webhook-format/payload.ts';
import { secretsToKeys } from '../webhook-format/signature.ts';
import { WebhookVerificationError } from '../webhook-format/verification-error.ts';
import { rawBytes, verifyWebhook, type VerifyWebhookOptions } from '../webhook-format/verify.ts';

/** How to receive webhooks. */
export interface WebhookReceiverOptions extends Pick<VerifyWebhookOptions, 'secret' | 'toleranceSeconds'> {
  /**
   * Called once for each event that verifies, however often it comes. What it throws is answered by 500, so that the
   * event comes again.
   */
  readonly onWebhook: (webhook: PaymentWebhook) => void | Promise<void>;
  /** Told of what is refused, and of what `onWebhook` throws. */
  readonly onError?: (error: unknown) => void;
}

/** A listener of `node:http`, and a handler of Express. */
export interface WebhookReceiver {
  (request: IncomingMessage, response: ServerResponse): void;
  /** A plugin of Fastify: `app.register(receiver.fastify, { path: '/webhooks' })`. */
  readonly fastify: (app: FastifyInstance, options: { readonly path: string }) => Promise<void>;
}

interface State extends WebhookReceiverOptions {
  /** The events that were handled, the last ones. */
  readonly handled: Set<string>;
  /** Those that are being handled. */
  readonly underWay: Map<string, Promise<void>>;
}

/** What to answer. */
interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Webhooks have less than a kilobyte; in bytes. */
const maxBodyBytes = 65_536;
/** Senders give up after a day at most. */
const maxHandled = 10_000;

/**
 * Receives webhooks in one line: `createServer(receiver)`, `app.post('/webhooks', receiver)` of Express, or
 * `app.register(receiver.fastify, { path: '/webhooks' })`. Answers 204 to what was handled, now or before, 401 to
 * what does not verify, and 500 to what could not be handled.
 *
 * @throws TypeError or RangeError for a secret that cannot be used.
 */
export function createWebhookReceiver(options: WebhookReceiverOptions): WebhookReceiver {
  // Better now than with the first webhook.
  secretsToKeys(options.secret);
  const self: State = { ...options, handled: new Set(), underWay: new Map() };
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void respond(self, request, response);
  return Object.assign(listener, {
    fastify: (app: FastifyInstance, { path }: { readonly path: string }) => addRoute(self, app, path),
  });
}

async function respond(self: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, text } = await receive(self, request);
  response.writeHead(status, text === '' ? {} : { 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}

async function addRoute(self: State, app: FastifyInstance, path: string): Promise<void> {
  // Only within the plugin: what is signed are the bytes, not what a JSON parser makes of them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxBodyBytes }, (_request, body, done) =>
    done(null, body),
  );
  app.post(path, async (request, reply) => {
    const { status, text } = await answerTo(self, request.body, request.headers);
    return await reply.code(status).type('text/plain; charset=utf-8').send(text);
  });
}

async function receive(self: State, request: IncomingMessage): Promise<Answer> {
  try {
    return await answerTo(self, await readBody(request), request.headers);
  } catch (error) {
    self.onError?.(error);
    return { status: error instanceof TooLargeError ? 413 : 500, text: errorMessage(error) };
  }
}

class TooLargeError extends Error {}

async function readBody(request: IncomingMessage & { readonly body?: unknown }): Promise<unknown> {
  // A parser of Express was there before: bytes are as good, anything else is refused with what to do.
  if (request.body !== undefined) {
    return request.body;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maxBodyBytes) {
      throw new TooLargeError(`a webhook has at most ${maxBodyBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function answerTo(
  self: State,
  body: unknown,
  headers: VerifyWebhookOptions['headers'],
): Promise<Answer> {
  const { secret, toleranceSeconds } = self;
  try {
    const webhook = verifyWebhook({
      body: rawBytes(body),
      headers,
      secret,
      ...(toleranceSeconds !== undefined && { toleranceSeconds }),
    });
    await handleOnce(self, webhook);
    return { status: 204, text: '' };
  } catch (error) {
    self.onError?.(error);
    return error instanceof WebhookVerificationError && error.code !== 'BodyNotRaw'
      ? { status: 401, text: `${error.code}: ${error.message}` }
      : { status: 500, text: errorMessage(error) };
  }
}

/** One that comes while it is being handled ends as that does. */
async function handleOnce(self: State, webhook: PaymentWebhook): Promise<void> {
  const { handled, underWay, onWebhook } = self;
  const { event_id: id } = webhook;
  if (handled.has(id)) {
    return;
  }
  const handling = underWay.get(id) ?? Promise.resolve(webhook).then(onWebhook);
  underWay.set(id, handling);
  try {
    await handling;
    handled.add(id);
    const [oldest = ''] = handled.size > maxHandled ? handled : [];
    handled.delete(oldest);
  } finally {
    underWay.delete(id);
  }
}
