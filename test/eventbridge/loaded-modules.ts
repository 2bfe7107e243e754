// Run as a process of its own: starts the service with this process's environment, settles one
// payment, stops, and prints which AWS modules were loaded on the way.
import { registerHooks } from 'node:module';

const loaded = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    const packageName = /node_modules\/(@aws-sdk\/[^/]+|@smithy\/[^/]+)/.exec(url)?.[1];
    if (packageName !== undefined) {
      loaded.add(packageName);
    }
    return nextLoad(url, context);
  },
});

const { buildApp } = await import('../../src/app/app.ts');
const { loadConfig } = await import('../../src/app/config.ts');

const lines: string[] = [];
const app = await buildApp(loadConfig(process.env), {
  logDestination: { write: (line: string) => void lines.push(line) },
});
const { apiPort } = await app.start();
const response = await fetch(`http://127.0.0.1:${apiPort}/payment.v1.PaymentService/CreatePaymentIntent`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    reservation_id: 'r',
    user_id: 'u',
    amount: { amount: 1, currency: 'KRW' },
    simulation: { delay_ms: 0 },
  }),
});
await response.json();
await app.stop();
const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
process.stdout.write(JSON.stringify({ loaded: [...loaded], messages }));
