import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Takes webhooks on one port and EventBridge calls on another, does as little as possible with them,
 * and tells how many it has.
 */
const counts = { webhooks: 0, events: 0, eventCalls: 0 };

const answerWebhook: RequestListener = (request, response) => {
  request.resume().on('end', () => {
    counts.webhooks += 1;
    response.writeHead(204).end();
  });
};

const answerEventBridge: RequestListener = (request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    const { Entries: entries = [] } = JSON.parse(body) as { Entries?: unknown[] };
    counts.eventCalls += 1;
    counts.events += entries.length;
    answerJson(response, { FailedEntryCount: 0, Entries: entries.map(() => ({ EventId: 'event' })) });
  });
};

function answerJson(response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(200, {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const ports = { webhookPort: await listen(answerWebhook), eventBridgePort: await listen(answerEventBridge) };

process.on('message', (message) => process.send?.(message === 'ports' ? ports : counts));
