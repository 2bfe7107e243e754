import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';
import { startOnTerminal } from '../system/terminal-process.ts';

/* Ctrl-C as a terminal has it: SIGINT to npm and to what it runs, of which npm passes its own on. */

const later = { simulation: { delay_ms: 600_000 } };
const stack = /^ +at .*:\d+/m;
const again = /Ctrl-C again ends it at once/;

function portIn(line: string): number {
  return Number(/localhost:(\d+)/.exec(line)?.[1]);
}

test('npm start: while a stop waits it says for what, and a second Ctrl-C ends it with 130 and one line', async () => {
  const npm = startOnTerminal('npm start', { SHUTDOWN_GRACE_MS: '3600000' });
  const port = portIn(await npm.shown(/curl http:.*/));
  const call = createConnectCaller(`http://127.0.0.1:${port}`);
  await createPayment(call, later);
  npm.pressCtrlC();
  expect(await npm.shown(/^payment-sim is stopping.*$/m)).toBe(
    'payment-sim is stopping and waits for what is under way (payments: 1). Ctrl-C again ends it at once.',
  );
  npm.pressCtrlC();
  expect(await npm.ended).toBe(130);
  expect(npm.output()).toMatch(/payment-sim: ended at once by a second signal\r\n/);
  expect(npm.output()).not.toMatch(stack);
});

test('npm run dev: the same', async () => {
  const dev = startOnTerminal('npm run dev', {
    SHUTDOWN_GRACE_MS: '3600000',
    DEV_RESERVATION_API_PORT: '0',
    DEV_WEBHOOK_PORT: '0',
    DEV_EVENTBRIDGE_PORT: '0',
    DEV_SQS_PORT: '0',
  });
  const url = await dev.shown(/service +(http:\/\/[\d.:]+)/);
  await createPayment(createConnectCaller(url), later);
  dev.pressCtrlC();
  await dev.shown(again);
  dev.pressCtrlC();
  expect(await dev.ended).toBe(130);
  expect(dev.output()).not.toMatch(stack);
});

test('npm run worker: a Ctrl-C ends it with 0, a second one with 130 at most, and never with a stack', async () => {
  const worker = startOnTerminal('npm run worker', {
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key',
    AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:9',
    PAYMENT_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:9/000000000000/queue',
  });
  await worker.shown(/Reservation worker is ready/);
  worker.pressCtrlC();
  await delay(50);
  worker.pressCtrlC();
  expect([0, 130]).toContain(await worker.ended);
  expect(worker.output()).not.toMatch(stack);
});

test('a second Ctrl-C at any moment of a stop ends it with 0 or 130, never with a stack', async () => {
  for (const waitMs of [0, 20, 600, 700, 800]) {
    const service = startOnTerminal('exec node src/main.ts', { DEFAULT_DELAY_MS: '650' });
    const port = portIn(await service.shown(/curl http:.*/));
    await createPayment(createConnectCaller(`http://127.0.0.1:${port}`));
    service.pressCtrlC();
    await delay(waitMs); // the moment is what this is about: there is no event to wait for
    service.pressCtrlC();
    const code = await service.ended;
    expect([0, 130]).toContain(code);
    expect(service.output()).toContain(code === 0 ? 'Stopped' : 'ended at once');
    expect(service.output()).not.toMatch(stack);
  }
}, 60_000);

describe('a terminal that shows nothing any more', () => {
  test('does not hold up the end', async () => {
    const service = startOnTerminal('echo pid $$; exec node src/main.ts', { LOG_LEVEL: 'debug' });
    const pid = Number(await service.shown(/pid (\d+)/));
    const port = portIn(await service.shown(/curl http:.*/));
    const call = createConnectCaller(`http://127.0.0.1:${port}`);
    service.stopReading();
    await Promise.all(
      Array.from({ length: 2_000 }, () => createPayment(call, { simulation: { delay_ms: 0 } })),
    );
    process.kill(pid, 'SIGTERM');
    await expect.poll(() => isRunning(pid)).toBe(false);
    service.readOn();
    expect(await service.ended).toBe(0);
  });
});

/** Not once it has ended and `script`, which cannot write, has not noticed yet (Z, a zombie). */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
