import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { verifyWebhook } from '../../src/index.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, intentMessage } from './connect-json.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const secret = 'a-secret-of-its-own';

async function resend(lines: readonly string[], env: Readonly<Record<string, string>>, ...args: string[]) {
  const child = spawn(process.execPath, ['src/cli/resend-webhooks.ts', ...args], { cwd: root, env });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(lines.join('\n'));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, output };
}

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
    exitCode: 1,
    output: expect.stringContaining('not understood') as string,
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
});
