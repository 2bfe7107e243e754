import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createWebhookCircuits, failuresToOpen } from '../../src/delivery/webhook/circuits.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startScriptedReceiver } from './scripted-receiver.ts';
import { deliveredLine, givenUpLine, retryLine, startWebhookSender } from './start-webhook-sender.ts';

const origin = 'http://a.example.com';

/** Circuits without jitter, open for 4, 8, 16, … seconds. */
function openCircuits() {
  const clock = createFakeClock();
  const circuits = createWebhookCircuits({
    clock,
    random: () => 0,
    observe: () => undefined,
    retry: { maxAttempts: 8, baseMs: 1_000, maxMs: 300_000 },
  });
  const fail = () => {
    const admission = circuits.admit(origin);
    expect(admission).toEqual(expect.any(String));
    return circuits.report(origin, admission as 'regular' | 'probe', false);
  };
  return { clock, circuits, fail };
}

describe('a circuit', () => {
  test('opens after so many failures in a row, for this origin only', () => {
    const { circuits, fail } = openCircuits();
    for (let i = 1; i < failuresToOpen; i += 1) {
      expect(fail()).toBe(false);
      expect(circuits.blockedForMs(origin)).toBeUndefined();
    }
    expect(fail()).toBe(true);
    expect(circuits.blockedForMs(origin)).toBe(4_000);
    expect(circuits.admit(origin)).toEqual({ blockedForMs: 4_000 });
    expect(circuits.admit('http://b.example.com')).toBe('regular');
    expect(circuits.openCount()).toBe(1);
  });

  test('does not when a success comes between', () => {
    const { circuits, fail } = openCircuits();
    for (let i = 0; i < 20; i += 1) {
      expect(fail()).toBe(false);
      if (i % (failuresToOpen - 1) === failuresToOpen - 2) {
        circuits.report(origin, 'regular', true);
      }
    }
  });

  test('lets one attempt through when its time is over, and opens for twice as long when that fails', async () => {
    const { circuits, clock, fail } = openCircuits();
    for (let i = 0; i < failuresToOpen; i += 1) {
      fail();
    }
    for (const openMs of [4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      await clock.advance(openMs - 1);
      expect(circuits.blockedForMs(origin)).toBe(1);
      await clock.advance(1);
      expect(circuits.admit(origin)).toBe('probe');
      expect(circuits.admit(origin)).toMatchObject({ blockedForMs: expect.any(Number) });
      expect(circuits.report(origin, 'probe', false)).toBe(true);
    }
    await clock.advance(60_000);
    expect(circuits.admit(origin)).toBe('probe');
    circuits.report(origin, 'probe', true);
    expect(circuits.admit(origin)).toBe('regular');
    expect(circuits.openCount()).toBe(0);
  });

  test('takes no notice of failures that were under way when it opened', () => {
    const { circuits, fail } = openCircuits();
    for (let i = 0; i < failuresToOpen; i += 1) {
      fail();
    }
    expect(circuits.report(origin, 'regular', false)).toBe(false);
    expect(circuits.blockedForMs(origin)).toBe(4_000);
  });

  test('is forgotten when too many other origins fail', () => {
    const { circuits, fail } = openCircuits();
    for (let i = 0; i < failuresToOpen; i += 1) {
      fail();
    }
    for (let i = 0; i < 10_000; i += 1) {
      circuits.report(`http://other-${i}.example.com`, 'regular', false);
    }
    expect(circuits.admit(origin)).toBe('regular');
  });
});

describe('webhooks to an origin that fails', () => {
  test('wait without attempts and connections, and follow when it is back', async () => {
    let isDown = true;
    const receiver = await startScriptedReceiver((response) => response.writeHead(isDown ? 500 : 200).end());
    const { clock, send, logs, queue, circuits, connections } = startWebhookSender();
    for (let i = 0; i < 100; i += 1) {
      send(`${receiver.origin}/`, String(i));
    }
    await expect.poll(() => queue.heldHere()).toBe(100);
    // Ten at a time, and each failure before the one that opened the circuit let another go.
    const before = receiver.requests.length;
    expect(before).toBeLessThan(10 + failuresToOpen);
    expect(circuits.openCount()).toBe(1);
    expect(connections.stats()).toMatchObject({ busy: 0, waiting: 0 });
    await clock.advance(3_999);
    expect(receiver.requests).toHaveLength(before);
    isDown = false;
    for (let waited = 0; waited < 60 && queue.heldHere() > 0; waited += 1) {
      await clock.advance(1_000);
      await expect.poll(() => connections.stats()).toMatchObject({ busy: 0, waiting: 0 });
    }
    await expect.poll(() => logs(deliveredLine)).toHaveLength(100);
    expect(circuits.openCount()).toBe(0);
    // Each was sent once, but for those that failed at first.
    expect(receiver.requests).toHaveLength(100 + before);
    expect(logs(givenUpLine)).toEqual([]);
  });

  test('are given up at last when it does not come back', async () => {
    const receiver = await startScriptedReceiver((response) => response.writeHead(500).end());
    const { clock, send, logs, queue, connections } = startWebhookSender({ maxAttempts: 3 });
    for (let i = 0; i < 40; i += 1) {
      send(`${receiver.origin}/`, String(i));
    }
    await expect.poll(() => queue.heldHere()).toBe(40);
    for (let waited = 0; waited < 300 && queue.heldHere() > 0; waited += 1) {
      await clock.advance(1_000);
      await expect.poll(() => connections.stats()).toMatchObject({ busy: 0, waiting: 0 });
    }
    await expect.poll(() => logs(givenUpLine)).toHaveLength(40);
    expect(new Set(logs(givenUpLine).map((line) => line['event_id'])).size).toBe(40);
    expect(logs(givenUpLine).every((line) => line['reason'] === 'exhausted')).toBe(true);
    expect(receiver.requests.length).toBeLessThan(40);
  });

  test.each([404, 429, 301])('but answers %i wait for nobody else', async (statusCode) => {
    const receiver = await startScriptedReceiver((response) => response.writeHead(statusCode).end());
    const { send, logs, circuits } = startWebhookSender();
    for (let i = 0; i < 30; i += 1) {
      send(`${receiver.origin}/`, String(i));
    }
    await expect.poll(() => logs(retryLine)).toHaveLength(30);
    expect(circuits.openCount()).toBe(0);
    expect(receiver.requests).toHaveLength(30);
  });
});

describe('the backlog', () => {
  test('beyond its room for those who wait for a connection is given up, of this origin only', async () => {
    const held: ServerResponse[] = [];
    const slow = await startScriptedReceiver((response) => held.push(response));
    const quick = await startScriptedReceiver((response) => response.end());
    const { send, logs, count } = startWebhookSender({
      backlog: { maxWaiting: 100, maxWaitingPerOrigin: 20 },
    });
    for (let i = 0; i < 50; i += 1) {
      send(`${slow.origin}/`, String(i));
    }
    await expect.poll(() => held.length).toBe(10);
    await expect.poll(() => logs(givenUpLine)).toHaveLength(20);
    expect(logs(givenUpLine)[0]).toMatchObject({ reason: 'overflow', attempts: 0 });
    expect(await count('webhook_deliveries_total', 'dead_letter_overflow')).toBe(20);
    send(`${quick.origin}/`, 'quick');
    await expect.poll(() => logs(deliveredLine)).toMatchObject([{ event_id: 'evt-quick' }]);
    for (let answered = 0; answered < 30; answered += 1) {
      await expect.poll(() => held.length).toBeGreaterThan(answered);
      held[answered]?.end();
    }
    await expect.poll(() => logs(deliveredLine)).toHaveLength(31);
  });

  test('beyond its room for those who wait for another attempt is given up', async () => {
    const receiver = await startScriptedReceiver((response) => response.writeHead(404).end());
    const { send, logs, queue } = startWebhookSender({
      backlog: { maxWaiting: 100, maxWaitingPerOrigin: 5 },
    });
    for (let i = 0; i < 8; i += 1) {
      send(`${receiver.origin}/`, String(i));
    }
    await expect.poll(() => logs(givenUpLine)).toHaveLength(3);
    expect(logs(givenUpLine)[0]).toMatchObject({ reason: 'overflow', attempts: 1, error: '404 Not Found: ' });
    expect(queue.heldHere()).toBe(5);
  });
});

describe('webhooks whose receiver says when to come', () => {
  const asked = { 'retry-after': '300' };

  test('have all their attempts, at the times that it asked for', async () => {
    const receiver = await startScriptedReceiver((response) => response.writeHead(503, asked).end());
    const { clock, send, logs, queue, circuits, connections } = startWebhookSender();
    for (let i = 0; i < 12; i += 1) {
      send(`${receiver.origin}/`, String(i));
    }
    for (let attempt = 1; attempt < 8; attempt += 1) {
      await expect.poll(() => queue.heldHere()).toBe(12);
      expect(circuits.openCount()).toBe(0);
      await clock.advance(300_000);
      await expect.poll(() => connections.stats()).toMatchObject({ busy: 0, waiting: 0 });
    }
    await expect.poll(() => logs(givenUpLine)).toHaveLength(12);
    expect(logs(givenUpLine).every((line) => line['attempts'] === 8)).toBe(true);
    expect(receiver.requests).toHaveLength(12 * 8);
  });

  test('have the patience of others when it fails after that', async () => {
    let answer: { readonly status: number; readonly headers?: typeof asked } = {
      status: 503,
      headers: asked,
    };
    const receiver = await startScriptedReceiver((response) =>
      response.writeHead(answer.status, answer.headers).end(),
    );
    const { clock, send, logs, queue, circuits, connections } = startWebhookSender({ maxAttempts: 3 });
    for (let i = 0; i < 40; i += 1) {
      send(`${receiver.origin}/`, String(i));
    }
    await expect.poll(() => queue.heldHere()).toBe(40);
    answer = { status: 500 };
    await clock.advance(300_000);
    await expect.poll(() => queue.heldHere()).toBe(40);
    expect(circuits.openCount()).toBe(1);
    answer = { status: 200 };
    for (let waited = 0; waited < 30 && queue.heldHere() > 0; waited += 1) {
      await clock.advance(1_000);
      await expect.poll(() => connections.stats()).toMatchObject({ busy: 0, waiting: 0 });
    }
    await expect.poll(() => logs(deliveredLine)).toHaveLength(40);
    expect(logs(givenUpLine)).toEqual([]);
  });
});
