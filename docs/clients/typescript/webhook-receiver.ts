// Receives webhooks and verifies them, with nothing but Node. Run: node webhook-receiver.ts
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';

const secret = process.env['WEBHOOK_SECRET'] ?? 'payment-sim-dev-secret';
const port = Number(process.env['PORT'] ?? 9000);
/** An older timestamp may be a replay. */
const toleranceSeconds = 300;

function isGenuine(headers: IncomingHttpHeaders, rawBody: Buffer): boolean {
  const id = String(headers['webhook-id']);
  const timestamp = String(headers['webhook-timestamp']);
  const signatures = String(headers['webhook-signature']).split(' ');
  const ageSeconds = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!(ageSeconds <= toleranceSeconds)) {
    return false;
  }
  const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(rawBody);
  const expected = Buffer.from(`v1,${mac.digest('base64')}`);
  // One entry per secret while secrets are rotated; ours is enough.
  return signatures.some((signature) => {
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    // The bytes as they came: parsed and printed again they might differ, and so would the signature.
    const rawBody = Buffer.concat(chunks);
    const genuine = isGenuine(request.headers, rawBody);
    process.stdout.write(`${genuine ? 'genuine' : 'REFUSED'} ${rawBody.toString('utf8')}\n`);
    response.writeHead(genuine ? 204 : 401).end();
  });
});
server.listen(port, '127.0.0.1', () => {
  const address = server.address();
  const listening = typeof address === 'object' && address !== null ? address.port : port;
  process.stdout.write(`listening on http://127.0.0.1:${listening}\n`);
});
