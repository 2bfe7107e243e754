import { expect, test } from 'vitest';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { mistakesOf } from '../support/config-mistakes.ts';

const quick = { SHUTDOWN_GRACE_MS: '0', DEFAULT_DELAY_MS: '0' };

test('a payment whose caller names no address has that of WEBHOOK_URL, others their own', async () => {
  const [standard, own] = [await startWebhookReceiver(), await startWebhookReceiver()];
  const service = await startService({ ...quick, WEBHOOK_URL: `${standard.url}#fragment` });
  const call = createConnectCaller(service.apiUrl);
  const withNone = await createPayment(call);
  const withOwn = await createPayment(call, { webhook_url: own.url });
  expect((await standard.waitFor(1))[0]?.body).toMatchObject({ payment_id: withNone });
  expect((await own.waitFor(1))[0]?.body).toMatchObject({ payment_id: withOwn });
  expect([standard.received.length, own.received.length]).toEqual([1, 1]);
});

test('a repeated key is the same payment although WEBHOOK_URL has come in between', async () => {
  const receiver = await startWebhookReceiver();
  const service = await startService({ ...quick, WEBHOOK_URL: receiver.url });
  const call = createConnectCaller(service.apiUrl);
  const ids = [1, 2].map(() => createPayment(call, { idempotency_key: 'order-1' }));
  expect(new Set(await Promise.all(ids)).size).toBe(1);
});

test.each([
  ['shop.example/hooks', 'is not an absolute URL, such as "https://example.com/webhooks"'],
  ['ftp://shop.example/', 'must start with http:// or https://'],
  ['https://user:hunter2@shop.example/', 'must not carry credentials'],
  ['http://169.254.169.254/latest', expect.stringContaining('169.254.169.254 ') as string],
])('%s is refused at the start', (address, problem) => {
  const mistakes = mistakesOf({ WEBHOOK_URL: address });
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]?.slice('WEBHOOK_URL '.length)).toEqual(problem);
  expect(mistakes[0]).toMatch(/^WEBHOOK_URL /);
  expect(mistakes[0]).not.toContain('hunter2');
});

test('it keeps to the rules for all webhooks, even where those are wrong themselves', () => {
  expect(mistakesOf({ WEBHOOK_URL: 'http://127.0.0.1:9000/' })).toEqual([]);
  const production = { ENVIRONMENT: 'production', WEBHOOK_SECRET: 'mine' };
  expect(mistakesOf({ ...production, WEBHOOK_URL: 'http://127.0.0.1:9000/' })).toHaveLength(1);
  const elsewhere = { WEBHOOK_URL: 'https://a.example/', WEBHOOK_ALLOWED_HOSTS: 'b.example' };
  expect(mistakesOf(elsewhere)).toEqual(['WEBHOOK_URL a.example is not in WEBHOOK_ALLOWED_HOSTS']);
  const both = { WEBHOOK_URL: 'http://10.0.0.1/', WEBHOOK_BLOCKED_CIDRS: '10.0.0.0/8,10/99' };
  expect(mistakesOf(both)).toEqual([
    expect.stringMatching(/^WEBHOOK_BLOCKED_CIDRS /) as string,
    expect.stringMatching(/^WEBHOOK_URL 10\.0\.0\.1 /) as string,
  ]);
});
