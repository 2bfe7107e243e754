import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type ScriptedReceiver, startScriptedReceiver } from '../delivery/scripted-receiver.ts';
import {
  deliveredLine,
  givenUpLine,
  openConnector,
  openPool,
  startSenderOn,
} from '../delivery/start-webhook-sender.ts';

const inTime = { timeout: 40_000 };
const perHealthyOrigin = 10;

/** The service's own limits. */
function openServicePool() {
  return openPool({ maxPerOrigin: 100, maxTotal: 1_000, reservedForNew: 200, connect: openConnector() });
}

async function startReceivers(count: number, answers: boolean): Promise<readonly ScriptedReceiver[]> {
  return await Promise.all(
    Array.from({ length: count }, () =>
      startScriptedReceiver((response) => void (answers ? response.end() : undefined)),
    ),
  );
}

test('500 healthy origins get all their webhooks while 5 dead ones hold what they can', async () => {
  const healthy = await startReceivers(500, true);
  const dead = await startReceivers(5, false);
  // No attempt to a dead origin ends while the test runs: what waited for one would wait for ever.
  const { send, logs, connections } = startSenderOn(systemClock, {
    connections: openServicePool(),
    timeoutMs: 600_000,
  });
  for (let nth = 0; nth < 300; nth += 1) {
    for (const [i, receiver] of dead.entries()) {
      send(`${receiver.origin}/`, `dead-${i}-${nth}`);
    }
  }
  for (let nth = 0; nth < perHealthyOrigin; nth += 1) {
    for (const [i, receiver] of healthy.entries()) {
      send(`${receiver.origin}/`, `healthy-${i}-${nth}`);
    }
  }
  await expect.poll(() => logs(deliveredLine).length, inTime).toBe(500 * perHealthyOrigin);
  expect(healthy.map((receiver) => receiver.requests.length)).toEqual(healthy.map(() => perHealthyOrigin));
  await expect
    .poll(() => dead.map((receiver) => receiver.requests.length), inTime)
    .toEqual(dead.map(() => 100));
  expect(connections.stats()).toMatchObject({ busy: 500, waiting: 1_000 });
  expect(logs(givenUpLine)).toEqual([]);
});

test('dead origins enough to take every connection leave some for the healthy ones', async () => {
  const dead = await startReceivers(10, false);
  const healthy = await startReceivers(50, true);
  const { send, logs, connections } = startSenderOn(systemClock, {
    connections: openServicePool(),
    timeoutMs: 600_000,
  });
  for (const [i, receiver] of dead.entries()) {
    for (let nth = 0; nth < 200; nth += 1) {
      send(`${receiver.origin}/`, `dead-${i}-${nth}`);
    }
  }
  for (const [i, receiver] of healthy.entries()) {
    for (let nth = 0; nth < perHealthyOrigin; nth += 1) {
      send(`${receiver.origin}/`, `healthy-${i}-${nth}`);
    }
  }
  await expect.poll(() => logs(deliveredLine).length, inTime).toBe(50 * perHealthyOrigin);
  // 8 have a hundred each, and 2 that came later one.
  expect(connections.stats()).toMatchObject({ busy: 802, waiting: 10 * 200 - 802 });
});
