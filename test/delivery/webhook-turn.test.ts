import { expect, test } from 'vitest';
import { newDelivery } from '../../src/delivery/delivery.ts';
import { createWebhookCircuits, failuresToOpen } from '../../src/delivery/webhook/circuits.ts';
import { createWebhookTurns, type Turn } from '../../src/delivery/webhook/turn.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import { unusedOrigin } from './scripted-receiver.ts';
import { openPool } from './start-webhook-sender.ts';

test('an attempt that throws is a failed one: its connection is given back and its probe ends', async () => {
  const clock = createFakeClock();
  const connections = openPool({ maxPerOrigin: 1, maxTotal: 1 });
  const circuits = createWebhookCircuits({
    clock,
    random: () => 0,
    observe: () => undefined,
    retry: { maxAttempts: 8, baseMs: 1_000, maxMs: 300_000 },
  });
  const takeTurn = createWebhookTurns({
    clock,
    machine: clock,
    connections,
    circuits,
    maxConnectionWaitMs: undefined,
    attempt: () => Promise.reject(new Error('a defect')),
  });
  const url = await unusedOrigin();
  const turn = () =>
    new Promise<Turn>((resolve) => {
      takeTurn({ ...newDelivery(sampleEvent({ webhookUrl: url })), url }, () => false, resolve);
    });
  const failed = { kind: 'attempted', result: { outcome: 'failed', detail: 'a defect' } };
  for (let attempt = 1; attempt <= failuresToOpen; attempt += 1) {
    expect(await turn()).toMatchObject(failed);
  }
  expect(await turn()).toEqual({ kind: 'blocked', forMs: 4_000 });
  await clock.advance(4_000);
  // The probe fails too, so that the next is due after twice the time.
  expect(await turn()).toMatchObject(failed);
  await clock.advance(8_000);
  expect(await turn()).toMatchObject(failed);
  expect(connections.stats()).toMatchObject({ busy: 0, waiting: 0 });
});
