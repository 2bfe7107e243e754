import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readText } from '../docs/markdown.ts';
import { startService } from '../support/start-service.ts';
import { goTool, missingGo, runTool } from './tools.ts';

/* The lines of the documents for tools in Go, run as they stand there. */

/** The code block of a page that begins with the command. */
function blockOf(page: string, command: string): string {
  const block = [...readText(page).matchAll(/^```\w+\n(.*?)^```$/gms)].find(([, text]) =>
    text?.startsWith(`${command} `),
  );
  return block?.[1] ?? expect.unreachable(`${page} has no block of ${command}`);
}

describe.skipIf(missingGo())('lines of the documents (need Go)', () => {
  test.each(['grpcurl', 'ghz', 'older ghz'] as const)('%s', async (tool) => {
    const { apiPort } = await startService({ EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' });
    const path = `${dirname(goTool(tool))}:${process.env['PATH']}`;
    const name = tool === 'grpcurl' ? tool : 'ghz';
    const line = blockOf('docs/clients.md', name).replaceAll('localhost:8030', `127.0.0.1:${apiPort}`);
    const { code, output } = await runTool('sh', ['-ec', line], { PATH: path });
    expect(code, output).toBe(0);
    expect(output).toMatch(name === 'ghz' ? /\[OK\] +10000 responses/ : /"pay-[0-9a-f-]{36}"/);
  });

  test('grpcurl refuses a short scenario by itself, so the documents name the whole one', async () => {
    const { apiPort } = await startService({ EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' });
    const grpcurl = goTool('grpcurl');
    const call = ['payment.v1.PaymentService/CreatePaymentIntent'];
    const ask = (scenario: string) =>
      runTool(grpcurl, ['-plaintext', '-d', JSON.stringify({ scenario }), `127.0.0.1:${apiPort}`, ...call]);
    expect((await ask('approve')).output).toContain('does not have value named "approve"');
    expect((await ask('PAYMENT_SCENARIO_APPROVE')).output).toContain('user_id: is required');
  });
});
