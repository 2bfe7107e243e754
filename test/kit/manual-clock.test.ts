import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createManualClock, startPaymentSim } from '../../src/index.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';

/* What a tester moves, and that nothing waits for it which must end. */

/** Takes connections and never answers. */
async function startSilentReceiver() {
  let requests = 0;
  const server = createServer(() => void (requests += 1));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, requests: () => requests };
}

async function startStill(graceMs: number) {
  const clock = createManualClock();
  const lines: { readonly msg: string; readonly reason?: string }[] = [];
  const sim = await startPaymentSim({
    clock,
    variables: { SHUTDOWN_GRACE_MS: graceMs, LOG_LEVEL: 'info', WEBHOOK_TIMEOUT_MS: 600_000 },
    log: (line) => void lines.push(JSON.parse(line) as { msg: string }),
  });
  onTestFinished(() => sim.stop());
  return { clock, sim, lines, call: createConnectCaller(sim.apiUrl, 2) };
}

test('settlements come when the clock is moved, by its time', async () => {
  const { clock, sim, call } = await startStill(0);
  const startedAtMs = clock.now();
  const id = await createPayment(call, { simulation: { delay_ms: 60_000 } });
  await clock.advance(59_999);
  const before = await call('GetPaymentStatus', { payment_intent_id: id });
  expect(before.body).toMatchObject({ payment: { status: 'PAYMENT_STATUS_PENDING' } });
  await clock.advance(1);
  await sim.waitForSettlement(id);
  const after = await call('GetPaymentStatus', { payment_intent_id: id });
  expect(after.body).toMatchObject({
    payment: {
      status: 'PAYMENT_STATUS_COMPLETED',
      created_at: new Date(startedAtMs).toISOString(),
      processed_at: new Date(startedAtMs + 60_000).toISOString(),
    },
  });
});

test('with the clock standing still it stops at once without a grace, what is due or not settled', async () => {
  const { sim, call, lines } = await startStill(0);
  await createPayment(call, { simulation: { delay_ms: 0 } });
  await createPayment(call, { simulation: { delay_ms: 86_400_000 } });
  await sim.stop();
  expect(lines.filter(({ msg }) => msg === 'Payment processed successfully')).toHaveLength(2);
  expect(lines.at(-1)?.msg).toBe('Stopped');
});

test('with the clock standing still and webhooks under way it stops within its grace', async () => {
  const { clock, sim, call, lines } = await startStill(300);
  const receiver = await startSilentReceiver();
  await createPayment(call, { webhook_url: receiver.url, simulation: { delay_ms: 5 } });
  await clock.advance(5);
  await expect.poll(receiver.requests).toBe(1);
  // Waits for its retry, by a clock that does not move any more.
  await createPayment(call, { webhook_url: 'http://127.0.0.1:1/', simulation: { delay_ms: 0 } });
  await clock.advance(0);
  await expect.poll(() => lines.some(({ msg }) => msg.startsWith('Webhook failed'))).toBe(true);
  // Is due, for the clock, in the time of the grace.
  await createPayment(call, { webhook_url: receiver.url, simulation: { delay_ms: 10 } });
  await sim.stop();
  const givenUp = lines.filter(({ msg }) => msg === 'Webhook given up');
  expect(givenUp.map(({ reason }) => reason)).toEqual(['shutdown', 'shutdown', 'shutdown']);
  expect(lines.filter(({ msg }) => msg === 'Payment processed successfully')).toHaveLength(3);
});
