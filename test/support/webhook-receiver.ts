import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** One request that the receiver got. */
export interface ReceivedWebhook {
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: Buffer;
  /** The body parsed as JSON. */
  readonly body: Record<string, unknown>;
  readonly path: string;
  readonly atMs: number;
}

/** A plain HTTP server that stands where a user's webhook endpoint would. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedWebhook[];
  /** Resolves with the first `count` webhooks as soon as that many are in. */
  waitFor(count: number): Promise<readonly ReceivedWebhook[]>;
}

/** Starts a receiver that answers 200, or whatever `answer` does; it stops when the test is finished. */
export async function startWebhookReceiver(
  answer: (response: ServerResponse, webhook: ReceivedWebhook) => void = (response) => response.end(),
): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const rawBody = Buffer.concat(chunks);
      const webhook: ReceivedWebhook = {
        headers: request.headers,
        rawBody,
        body: JSON.parse(rawBody.toString('utf8')) as Record<string, unknown>,
        path: request.url ?? '',
        atMs: Date.now(),
      };
      received.push(webhook);
      answer(response, webhook);
      for (const waiter of waiters) {
        if (received.length >= waiter.count) {
          waiter.resolve();
        }
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    received,
    async waitFor(count) {
      if (received.length < count) {
        await new Promise<void>((resolve) => {
          waiters.push({ count, resolve });
        });
      }
      return received.slice(0, count);
    },
  };
}
