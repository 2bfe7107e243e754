import { expect, test } from 'vitest';
import { startScriptedReceiver } from '../delivery/scripted-receiver.ts';
import {
  deliveredLine,
  givenUpLine,
  retryLine,
  startWebhookSender,
} from '../delivery/start-webhook-sender.ts';

test.each([0, 1, 2, 3, 4, 5, 6, 7])(
  'an endpoint that fails %i times gets that many attempts and one, each at its time, and no more',
  async (failures) => {
    const arrivedAtMs: number[] = [];
    const sender = startWebhookSender();
    const { clock, send, logs, count } = sender;
    const startMs = clock.now();
    const receiver = await startScriptedReceiver((response, nth) => {
      arrivedAtMs.push(clock.now() - startMs);
      response.writeHead(nth < failures ? 500 : 200).end();
    });
    send(`${receiver.origin}/`);
    const expectedAtMs = [0];
    for (let nth = 1; nth <= failures; nth += 1) {
      await expect.poll(() => logs(retryLine)).toHaveLength(nth);
      const waitMs = 1_000 * 2 ** (nth - 1);
      expectedAtMs.push((expectedAtMs.at(-1) ?? 0) + waitMs);
      await clock.advance(waitMs - 1);
      expect(receiver.requests).toHaveLength(nth);
      await clock.advance(1);
      await expect.poll(() => receiver.requests.length).toBe(nth + 1);
    }
    await expect.poll(() => logs(deliveredLine)).toHaveLength(1);
    await clock.advance(86_400_000);
    expect(arrivedAtMs).toEqual(expectedAtMs);
    expect(logs(givenUpLine)).toEqual([]);
    expect(await count('webhook_deliveries_total', 'delivered')).toBe(1);
    expect(await count('webhook_attempts_total', 'http_500')).toBe(failures);
    expect(new Set(receiver.requests.map(({ request }) => request.headers['webhook-id']))).toEqual(
      new Set(['evt-1']),
    );
  },
);
