import { describe, expect, test } from 'vitest';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment, intentMessage } from '../system/connect-json.ts';

const local = { EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' };
const production = { ...local, ENVIRONMENT: 'production', WEBHOOK_SECRET: 'of our own' };

async function answersFor(env: Readonly<Record<string, string>>, urls: readonly string[]) {
  const service = await startService(env);
  const call = createConnectCaller(service.apiUrl);
  return await Promise.all(
    urls.map(async (url) => {
      const { body } = await call('CreatePaymentIntent', intentMessage({ webhook_url: url }));
      return 'code' in body ? Object.values(body).slice(0, 2).join(' ') : 'created';
    }),
  );
}

const metadata = [
  'http://169.254.169.254/latest/meta-data/',
  'http://2852039166/',
  'http://0xA9FEA9FE/',
  'http://0251.0376.0251.0376/',
  'http://169.254.43518/',
  'http://[::ffff:169.254.169.254]/',
  'http://[64:ff9b::169.254.169.254]/',
  'http://[2002:a9fe:a9fe::]/',
  'http://[fd00:ec2::254]/',
  'https://169.254.169.254:8443/',
  'http://0.0.0.0/',
  'http://224.0.0.1/',
];
const loopback = ['http://127.0.0.1:1/', 'http://[::1]:1/', 'http://localhost:1/', 'http://0x7f.1:1/'];

describe('a literal forbidden address is refused when the payment is created', () => {
  test.each([
    ['development', local],
    ['production', production],
  ])('in %s', async (_name, env) => {
    for (const [i, answer] of (await answersFor(env, metadata)).entries()) {
      expect(answer, metadata[i]).toMatch(/^invalid_argument webhook_url: /);
    }
  });

  test('loopback, outside of development', async () => {
    for (const answer of await answersFor(production, loopback)) {
      expect(answer).toMatch(/^invalid_argument webhook_url: (127\.0\.0\.1|\[::1\]|localhost) is loopback/);
    }
    expect(await answersFor(local, loopback)).toEqual(loopback.map(() => 'created'));
  });

  test('an unspecified address says what to use', async () => {
    const urls = ['http://0.0.0.0:9000', 'http://0/', 'http://[::]:9000/'];
    const [first, ...others] = await answersFor(local, urls);
    expect(first).toContain('webhook_url: 0.0.0.0 is no address to call; use 127.0.0.1');
    expect(others.filter((answer) => answer.includes('is no address to call; use'))).toHaveLength(2);
  });

  test('what is blocked, and what is not among the allowed', async () => {
    const urls = ['http://10.1.2.3/', 'http://10.2.2.3/', 'http://hooks.example.com/', 'http://10.1.0.9/'];
    expect(await answersFor({ ...local, WEBHOOK_BLOCKED_CIDRS: '10.1.0.0/16' }, urls)).toEqual([
      'invalid_argument webhook_url: 10.1.2.3 is in WEBHOOK_BLOCKED_CIDRS',
      'created',
      'created',
      'invalid_argument webhook_url: 10.1.0.9 is in WEBHOOK_BLOCKED_CIDRS',
    ]);
    expect(
      await answersFor({ ...local, WEBHOOK_ALLOWED_HOSTS: 'Hooks.Example.com, 10.2.2.3' }, urls),
    ).toEqual([
      'invalid_argument webhook_url: 10.1.2.3 is not in WEBHOOK_ALLOWED_HOSTS',
      'created',
      'created',
      'invalid_argument webhook_url: 10.1.0.9 is not in WEBHOOK_ALLOWED_HOSTS',
    ]);
  });
});

test('what is stored and logged is the address that is called', async () => {
  const service = await startService({ ...local, WEBHOOK_MAX_ATTEMPTS: '1' });
  const call = createConnectCaller(service.apiUrl);
  const id = await createPayment(call, { webhook_url: 'HTTP://0x7f.1:1/a/../웹#x' });
  await call('ProcessPayment', { payment_intent_id: id });
  await expect.poll(() => service.logs('Webhook given up')).toHaveLength(1);
  expect(service.logs('Webhook given up')[0]).toMatchObject({
    payment_id: id,
    webhook_url: 'http://127.0.0.1:1/%EC%9B%B9',
  });
});

test('in production a name that leads to this machine is given up without a connection', async () => {
  const receiver = await startWebhookReceiver();
  const service = await startService(production, {
    resolveName: async () => [{ address: '127.0.0.1', family: 4 }],
  });
  const call = createConnectCaller(service.apiUrl);
  const url = receiver.url.replace('127.0.0.1', 'inside.example.com');
  const id = await createPayment(call, { webhook_url: url });
  await call('ProcessPayment', { payment_intent_id: id });
  await expect.poll(() => service.logs('Webhook given up')).toHaveLength(1);
  expect(service.logs('Webhook given up')[0]).toMatchObject({
    payment_id: id,
    reason: 'refused',
    attempts: 1,
  });
  expect(await service.metric('dead_letters_total{channel="webhook",reason="refused"}')).toBe(1);
  expect(receiver.received).toEqual([]);
});
