import { Agent } from 'node:http';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { eventBridgeDetailTypes } from '../../src/delivery/payload.ts';
import { serveLoops } from './run-loops.ts';
import { sampleDetail } from './sample-event.ts';

// The SDK's call alone: ten entries that are there already, as many calls in flight as the service has.

const inFlight = 32;
const client = new EventBridgeClient({
  region: 'ap-northeast-2',
  endpoint: process.env['SINK_URL'] ?? '',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  maxAttempts: 1,
  requestHandler: { httpAgent: new Agent({ keepAlive: true, maxSockets: inFlight }) },
});
const entries = Array.from({ length: 10 }, () => ({
  Source: 'payment-sim-api',
  DetailType: eventBridgeDetailTypes['payment.status_updated'],
  EventBusName: 'ticket-reservation-events',
  Detail: sampleDetail,
  Time: new Date(),
}));

serveLoops(inFlight, async () => {
  const { FailedEntryCount } = await client.send(new PutEventsCommand({ Entries: entries }));
  if (FailedEntryCount !== 0) {
    throw new Error('the sink refused events');
  }
});
