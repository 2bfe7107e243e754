import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { verifyWebhook } from '../../src/index.ts';
import { compileCache } from '../support/compile-cache.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, intentMessage } from './connect-json.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const secret = 'a-secret-of-its-own';

async function resend(lines: readonly string[], env: Readonly<Record<string, string>>, ...args: string[]) {
  const child = spawn(process.execPath, ['src/main.ts', 'deliveries', 'resend', ...args], {
    cwd: root,
    env: { ...compileCache, ...env },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(lines.join('\n'));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, output };
}

/** The log line of a webhook that was given up. */
function givenUp(change: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    level: 'error',
    channel: 'webhook',
    payment_id: 'pay-1',
    reservation_id: 'reservation-1',
    user_id: 'user-1',
    status: 'COMPLETED',
    amount: 1,
    currency: 'KRW',
    event_id: 'evt-1',
    settled_at: '2026-01-01T00:00:00.000Z',
    msg: 'Webhook given up',
    ...change,
  });
}

test('what receivers and lines have in them does not reach the terminal, and a bad line does not end the run', async () => {
  const receiver = await startWebhookReceiver((answer, { body }) =>
    body['payment_id'] === 'pay-evil'
      ? answer.writeHead(500).end('\u001b[2J\u009b31mall is well\r\nevt-2 delivered\u202e')
      : answer.end(),
  );
  const good = givenUp({ webhook_url: receiver.url });
  const lines = [
    givenUp({ webhook_url: receiver.url, payment_id: 'pay-evil', event_id: 'evt-\u001b]0;title\u0007' }),
    givenUp({ webhook_url: 'http://[not a url' }),
    givenUp({ webhook_url: 'ftp://example.com/' }),
    givenUp({ webhook_url: `http://127.0.0.1:99999/` }),
    givenUp({ webhook_url: receiver.url, event_id: 'a header\ncannot have this' }),
    givenUp({ webhook_url: receiver.url, user_id: undefined }),
    `pod-1 ${good}`,
    '{"msg":"Webhook failed, to be tried again"}',
    good,
  ];
  const { exitCode, output } = await resend(lines, { WEBHOOK_SECRET: secret });
  expect(exitCode).toBe(1);
  expect(output).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
  expect(output).toContain(String.raw`evt-\u001b]0;title\u0007 pay-evil`);
  // A line of its own would tell of a webhook that was never there.
  expect(output).toMatch(/^a header\S+cannot have this pay-1 /m);
  expect(output).toContain('line 6 is of a webhook given up, but cannot be read');
  expect(output).toContain('line 7 is of a webhook given up, but cannot be read');
  expect(output.split('\n').slice(-3)).toEqual([
    `evt-1 pay-1 ${receiver.url} 200`,
    '1 delivered, 7 failed',
    '',
  ]);
});

test('webhooks that were given up are sent again from the log, under their event ids', async () => {
  let isBroken = true;
  const receiver = await startWebhookReceiver((answer) => answer.writeHead(isBroken ? 500 : 204).end());
  const service = await startService({
    DEFAULT_DELAY_MS: '0',
    WEBHOOK_SECRET: secret,
    WEBHOOK_MAX_ATTEMPTS: '1',
  });
  const call = createConnectCaller(service.apiUrl);
  for (const reservation of ['reservation-1', 'reservation-2']) {
    await call(
      'CreatePaymentIntent',
      intentMessage({ reservation_id: reservation, webhook_url: receiver.url }),
    );
  }
  await service.app.stop();
  const lines = service.logs().map((line) => JSON.stringify(line));
  const env = { WEBHOOK_SECRET: secret };
  const given = receiver.received.map(({ body }) => String(body['event_id']));
  expect(given).toHaveLength(2);

  const dryRun = await resend([...lines, 'not JSON'], env, '--dry-run');
  expect(dryRun).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining('2 found, 0 failed') as string,
  });
  const failed = await resend(lines, env);
  expect(failed).toMatchObject({
    exitCode: 1,
    output: expect.stringContaining('0 delivered, 2 failed') as string,
  });
  const refused = await resend(lines, { ...env, ENVIRONMENT: 'staging' });
  expect(refused).toMatchObject({ exitCode: 1, output: expect.stringContaining('EGRESS_REFUSED') as string });

  const mistaken = await resend(lines, env, 'dry-run');
  expect(mistaken).toMatchObject({
    exitCode: 2,
    output: expect.stringContaining('too many arguments') as string,
  });

  expect(receiver.received).toHaveLength(4);
  isBroken = false;
  const envFile = join(mkdtempSync(join(tmpdir(), 'payment-sim-resend-')), 'env');
  onTestFinished(() => rmSync(dirname(envFile), { recursive: true }));
  writeFileSync(envFile, `WEBHOOK_SECRET=${secret}\n`);
  const delivered = await resend(lines, {}, '--env-file', envFile);
  expect(delivered).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining('2 delivered, 0 failed') as string,
  });
  const events = receiver.received
    .slice(4)
    .map(({ rawBody, headers }) => verifyWebhook({ body: rawBody, headers, secret }));
  expect(events.map((event) => event.event_id).toSorted()).toEqual(given.toSorted());
}, 60_000);

test('a service that runs sends them again itself', async () => {
  let isBroken = true;
  const receiver = await startWebhookReceiver((answer) => answer.writeHead(isBroken ? 500 : 204).end());
  const service = await startService({
    DEFAULT_DELAY_MS: '0',
    EVENTBRIDGE: 'off',
    WEBHOOK_SECRET: secret,
    WEBHOOK_MAX_ATTEMPTS: '1',
  });
  const call = createConnectCaller(service.apiUrl);
  await call('CreatePaymentIntent', intentMessage({ webhook_url: receiver.url }));
  await expect.poll(() => service.logs('Webhook given up')).toHaveLength(1);
  const [line] = service.logs('Webhook given up');
  const [payment, event] = [String(line?.['payment_id']), String(line?.['event_id'])];
  const at = ['--url', service.apiUrl];

  const found = await resend([], {}, '--since', '1h', '--dry-run', ...at);
  expect(found).toEqual({ exitCode: 0, output: `${event} ${payment} ${receiver.url}\n1 found\n` });
  expect(receiver.received).toHaveLength(1);
  isBroken = false;
  for (const which of [
    ['--since', '1h'],
    ['--payment', payment],
    ['--event', event],
  ]) {
    const before = receiver.received.length;
    const { exitCode, output } = await resend([], {}, ...which, ...at);
    expect([exitCode, output]).toEqual([0, expect.stringContaining('1 sent again')]);
    expect((await receiver.waitFor(before + 1)).at(-1)?.body['event_id']).toBe(event);
  }

  for (const [args, exitCode, text] of [
    [['--since', 'yesterday', ...at], 2, '--since must be a time'],
    [['--since', '1h', '--event', event, ...at], 2, "cannot be used with option '--event <id>'"],
    [['--event', 'evt-none', ...at], 1, 'no delivery of event evt-none is remembered'],
  ] as const) {
    expect(await resend([], {}, ...args)).toMatchObject({
      exitCode,
      output: expect.stringContaining(text) as string,
    });
  }
  const closed = await startService({ SIMULATOR_API: 'off' });
  expect(await resend([], {}, '--since', '1h', '--url', closed.apiUrl)).toMatchObject({
    exitCode: 1,
    output: expect.stringContaining('it needs SIMULATOR_API=on') as string,
  });
}, 60_000);
