import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { encodeWebhookBody } from '../../src/delivery/payload.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import { secretToKey, signatureHeadersFor } from '../../src/webhook-format/signature.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A directory that has the example and, beside it, this package as if it were installed. */
function installExample(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'payment-sim-receiver-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const installed = join(directory, 'node_modules/payment-sim');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  writeFileSync(join(installed, 'package.json'), '{"type":"module","exports":"./index.js"}');
  writeFileSync(join(installed, 'index.js'), `export * from ${JSON.stringify(`${root}src/index.ts`)};`);
  symlinkSync(join(root, 'node_modules/fastify'), join(directory, 'node_modules/fastify'));
  copyFileSync(join(root, 'docs/clients/typescript', name), join(directory, name));
  return join(directory, name);
}

// Express is not installed here; docs/webhooks.md says how its example was run.
test.each(['http-receiver.ts', 'fastify-receiver.ts'])('%s accepts and refuses', async (name) => {
  const receiver = spawn(process.execPath, [installExample(name)], {
    env: { PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void receiver.kill());
  const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
  const port = /port: (\d+)/.exec(String((await lines.next()).value))?.[1] ?? '';
  expect(port).not.toBe('');

  const seconds = Math.floor(Date.now() / 1000);
  const body = encodeWebhookBody(sampleEvent(), seconds);
  const headers = {
    'content-type': 'application/json',
    ...signatureHeadersFor([secretToKey('payment-sim-dev-secret')], 'evt-1', seconds, body),
  };
  for (const [sent, status, line] of [
    [body, 204, 'genuine pay-1 PAYMENT_STATUS_COMPLETED'],
    [`${body} `, 401, 'REFUSED SignatureMismatch'],
  ] as const) {
    const answer = await fetch(`http://127.0.0.1:${port}/webhooks`, { method: 'POST', headers, body: sent });
    expect([answer.status, (await lines.next()).value]).toEqual([status, line]);
  }
});
