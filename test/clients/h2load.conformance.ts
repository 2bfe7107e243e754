import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runTool } from '../conformance/tools.ts';
import { startService } from '../support/start-service.ts';
import { intentMessage } from '../system/connect-json.ts';

/* nghttp2's own client, which fills each of its connections with calls. */

const isMissing = spawnSync('h2load', ['--version']).error !== undefined;
const calls = 5_000;

async function load(url: string, contentType: string, body: Buffer): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-h2load-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'body');
  writeFileSync(file, body);
  const at = ['--clients=5', '--max-concurrent-streams=50', `--requests=${calls}`];
  const { code, output } = await runTool('h2load', [
    ...at,
    `--data=${file}`,
    `--header=content-type: ${contentType}`,
    url,
  ]);
  expect(code, output).toBe(0);
  return output;
}

describe.skipIf(isMissing && process.env['CI'] !== 'true')('h2load (needs nghttp2-client)', () => {
  test.each([
    ['Connect JSON', 'CreatePaymentIntent', 'application/json', Buffer.from(JSON.stringify(intentMessage()))],
    // No payment has an empty id: an answer of headers alone.
    ['gRPC', 'GetPaymentStatus', 'application/grpc', Buffer.alloc(5)],
  ])('%s over five connections: each call is answered', async (_, method, contentType, body) => {
    const service = await startService({ EVENTBRIDGE: 'off' });
    const output = await load(`${service.apiUrl}/payment.v1.PaymentService/${method}`, contentType, body);
    expect(output).toContain(`${calls} succeeded, 0 failed, 0 errored, 0 timeout`);
    expect(output).toContain(`status codes: ${calls} 2xx`);
  });
});
