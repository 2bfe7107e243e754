// Run as a process of its own, see loaded-packages.ts: starts the service with this process's environment, settles one
// payment and stops, makes the worker where that has a queue, and prints which packages were loaded on the way.
import { registerHooks } from 'node:module';

const loaded = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    const packageName = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
    if (packageName !== undefined) {
      loaded.add(packageName);
    }
    return nextLoad(url, context);
  },
});

const { buildApp } = await import('../../src/app/app.ts');
const { loadConfig } = await import('../../src/app/config.ts');

const logDestination = { write: () => undefined };
const app = await buildApp(loadConfig(process.env), { logDestination });
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
if (process.env['PAYMENT_WEBHOOK_QUEUE_URL'] !== undefined) {
  const { buildWorker } = await import('../../src/worker/worker.ts');
  const { loadWorkerConfig } = await import('../../src/worker/config.ts');
  await buildWorker(loadWorkerConfig(process.env), { logDestination });
}
process.stdout.write(JSON.stringify([...loaded]));
process.exit();
