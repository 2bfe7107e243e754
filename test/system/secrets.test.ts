import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, intentMessage } from './connect-json.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

const text = `plain-${randomBytes(12).toString('hex')}`;
const bytes = randomBytes(32);
const encoded = `whsec_${bytes.toString('base64')}`;
const awsKey = randomBytes(20).toString('hex');
const secrets = {
  WEBHOOK_SECRET: `${text},${encoded}`,
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: awsKey,
  AWS_SESSION_TOKEN: `token-${awsKey}`,
};

/** Every way in which a secret could be written out. */
const forms = [
  text,
  Buffer.from(text).toString('base64').replace(/=+$/, ''),
  Buffer.from(text).toString('hex'),
  encoded,
  bytes.toString('base64').replace(/=+$/, ''),
  bytes.toString('hex'),
  JSON.stringify([...bytes]).slice(1, -1),
  awsKey,
];

function expectNoSecret(where: string, output: string): void {
  expect(output.length, where).toBeGreaterThan(0);
  for (const form of forms) {
    expect(output.includes(form), `a secret in ${where}`).toBe(false);
  }
}

test('after a busy time no secret is in logs, metrics, answers or health', async () => {
  const receiver = await startWebhookReceiver();
  const service = await startService({
    ...secrets,
    LOG_LEVEL: 'trace',
    DEFAULT_DELAY_MS: '0',
    SHUTDOWN_GRACE_MS: '300',
    WEBHOOK_MAX_ATTEMPTS: '2',
    WEBHOOK_RETRY_BASE_MS: '1',
    EVENTBRIDGE: 'on',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9', // nothing listens there: every call to AWS fails
    PAYMENT_WEBHOOK_DLQ_URL: 'http://127.0.0.1:9/000000000000/dead',
  });
  const call = createConnectCaller(service.apiUrl);
  const answers: unknown[] = [];
  for (const change of [
    { webhook_url: receiver.url },
    { webhook_url: 'http://127.0.0.1:9/refuses' },
    { webhook_url: receiver.url, scenario: 'PAYMENT_SCENARIO_FAIL', idempotency_key: 'key-1' },
    { idempotency_key: 'key-1' },
    { reservation_id: '', amount: { amount: -1, currency: 'no' } },
    { senario: 'no such field' },
  ]) {
    answers.push(await call('CreatePaymentIntent', intentMessage(change)));
  }
  answers.push(await call('ProcessPayment', { payment_intent_id: 'pay-none' }));
  answers.push(await call('NoSuchMethod', {}));
  await receiver.waitFor(2);
  await expect.poll(() => service.logs('Webhook given up').length).toBe(1);

  // What was signed with them did come, so they were in use.
  expect(JSON.stringify(receiver.received)).toContain('webhook-signature');
  for (const path of ['/health', '/readyz', '/livez', '/metrics']) {
    expectNoSecret(path, await (await fetch(`${service.opsUrl}${path}`)).text());
  }
  await service.app.stop();
  expectNoSecret('answers', JSON.stringify(answers));
  expectNoSecret('the log', JSON.stringify(service.logs()));
  expectNoSecret('webhooks', JSON.stringify(receiver.received));
});

test.each([
  ['right', {}, 0],
  ['wrong elsewhere', { GRPC_PORT: 'x' }, 1],
  ['broken base64', { WEBHOOK_SECRET: `${encoded.slice(0, -3)}!,${text}` }, 1],
  ['an empty entry', { WEBHOOK_SECRET: `${text},,${encoded}` }, 1],
])(
  'check-env hides secrets when the configuration is %s, and so does a start that fails',
  async (_what, env, code) => {
    const run = async (...args: string[]) =>
      await promisify(execFile)(process.execPath, ['src/main.ts', ...args], {
        cwd: root,
        env: { PATH: process.env['PATH'], ...secrets, ...env },
      }).then(
        ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
        (error: { code: number; stdout: string; stderr: string }) => ({
          code: error.code,
          output: error.stdout + error.stderr,
        }),
      );
    const checked = await run('check-env');
    expect(checked.code).toBe(code);
    expect(checked.output).toContain('(hidden)');
    expectNoSecret('check-env', checked.output);
    if (code !== 0) {
      const started = await run();
      expect(started.code).toBe(1);
      expectNoSecret('a start that fails', started.output);
    }
  },
);
