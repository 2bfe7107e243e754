import { Client } from 'undici';
import { secretToKey, signatureHeadersFor } from '../../src/webhook-format/signature.ts';
import { serveLoops } from './run-loops.ts';
import { sampleEvent, sampleWebhookBody } from './sample-event.ts';

// The POST alone: a webhook's bytes, made and signed once, over as many kept connections as the service has.

// WEBHOOK_MAX_CONNECTIONS_PER_ORIGIN, as the service has it.
const connections = 100;
const clients = Array.from(
  { length: connections },
  () => new Client(process.env['SINK_URL'] ?? '', { pipelining: 1, keepAliveTimeout: 4_000 }),
);
const headers = {
  'content-type': 'application/json',
  'user-agent': 'PaymentSim/1.0',
  'x-request-id': sampleEvent.payment.trace?.requestId ?? '',
  ...signatureHeadersFor([secretToKey('secret')], sampleEvent.id, 1_795_359_818, sampleWebhookBody),
};

serveLoops(connections, async (lane) => {
  const response = await clients[lane]?.request({
    method: 'POST',
    path: '/',
    headers,
    body: sampleWebhookBody,
  });
  if (response?.statusCode !== 204) {
    throw new Error(`the sink answered ${response?.statusCode}`);
  }
  await response.body.dump();
});
