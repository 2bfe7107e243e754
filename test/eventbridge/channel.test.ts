import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { ConfigError } from '../../src/base/env/config-error.ts';
import { startAwsStandIn } from '../support/aws-stand-in.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { loadedPackages } from '../support/loaded-packages.ts';
import { type RunningService, startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { nextTurn } from './start-sender.ts';

const quick = {
  EVENTBRIDGE_TIMEOUT_MS: '60000',
  DEFAULT_DELAY_MS: '0',
  EVENTBRIDGE_BATCH_WAIT_MS: '5',
  EVENTBRIDGE_RETRY_BASE_MS: '2',
  EVENTBRIDGE_RETRY_MAX_MS: '20',
  LOG_LEVEL: 'info',
};

const offLine = 'EventBridge is off: no AWS credentials can be had; events are skipped until they can';

async function createPayments(service: RunningService, count: number, webhookUrl?: string): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const response = await fetch(`${service.apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          reservation_id: `reservation-${index}`,
          user_id: 'user-1',
          amount: { amount: 1_000, currency: 'KRW' },
          webhook_url: webhookUrl,
        }),
      });
      expect(response.status).toBe(200);
      await response.arrayBuffer();
    }),
  );
}

async function sumOf(service: RunningService, name: string): Promise<number> {
  const text = await (await fetch(`${service.opsUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

async function untilSum(service: RunningService, name: string, sum: number): Promise<void> {
  while ((await sumOf(service, name)) < sum) {
    await nextTurn();
  }
}

function loadMistakenConfig(): unknown {
  return loadConfig({
    EVENTBRIDGE: 'maybe',
    EVENT_BUS_NAME: 'a bus',
    PAYMENT_EVENT_SOURCE: 'aws.mine',
    AWS_ENDPOINT_URL: 'localhost:4566',
    AWS_REGION: 'Seoul!',
    AWS_ACCESS_KEY_ID: 'only-half',
    PAYMENT_WEBHOOK_DLQ_URL: 'https://sqs.ap-northeast-2.amazonaws.com/1/dlq.fifo',
    EVENTBRIDGE_RETRY_BASE_MS: '1000',
    EVENTBRIDGE_RETRY_MAX_MS: '10',
  });
}

async function readiness(service: RunningService): Promise<{ status: number; reason: unknown }> {
  const response = await fetch(`${service.opsUrl}/readyz`);
  const { reason } = (await response.json()) as { reason?: string };
  return { status: response.status, reason };
}

test('with partial failures, throttling and refusals the counts add up to the payments created', async () => {
  const aws = await startAwsStandIn();
  let seen = 0;
  aws.answerNext({ kind: 'reset' }, { kind: 'error', status: 400, code: 'ThrottlingException' });
  aws.answerUsually({
    kind: 'partial',
    codeFor: () => {
      seen += 1;
      return seen % 10 === 0 ? 'MalformedDetail' : seen % 7 === 0 ? 'InternalFailure' : undefined;
    },
  });
  const service = await startService({
    ...quick,
    AWS_ENDPOINT_URL: aws.url,
    PAYMENT_WEBHOOK_DLQ_URL: `${aws.url}/000000000000/payment-webhook-dlq`,
  });
  await createPayments(service, 300);
  await untilSum(service, 'eventbridge_events_total', 300);
  const refused = (await service.metric('eventbridge_events_total{outcome="dead_letter_refused"}')) ?? 0;
  const delivered = await service.metric('eventbridge_events_total{outcome="delivered"}');
  expect(await sumOf(service, 'payment_intents_created_total')).toBe(300);
  expect(await sumOf(service, 'payment_settlements_total')).toBe(300);
  expect(delivered).toBe(300 - refused);
  expect(new Set(aws.accepted.map((entry) => entry.detail['event_id'])).size).toBe(300 - refused);
  expect(aws.accepted).toHaveLength(300 - refused);
  expect(refused).toBeGreaterThan(0);
  await untilSum(service, 'dead_letter_messages_total', refused);
  expect(aws.messages).toHaveLength(refused);
  expect(await service.metric('dead_letters_total{channel="eventbridge",reason="refused"}')).toBe(refused);
});

test('with EventBridge hung, webhooks arrive', async () => {
  const aws = await startAwsStandIn();
  aws.answerUsually({ kind: 'hang' });
  const receiver = await startWebhookReceiver();
  const service = await startService({ ...quick, AWS_ENDPOINT_URL: aws.url, SHUTDOWN_GRACE_MS: '200' });
  await createPayments(service, 20, receiver.url);
  await receiver.waitFor(20);
  expect(aws.accepted).toEqual([]);
  await service.app.stop();
  expect(service.logs('EventBridge event given up')).toHaveLength(20);
  expect(service.logs('Webhook given up')).toEqual([]);
});

test('with the webhook receiver hung, events reach EventBridge', async () => {
  const aws = await startAwsStandIn();
  const receiver = await startWebhookReceiver(() => undefined);
  const service = await startService({ ...quick, AWS_ENDPOINT_URL: aws.url, SHUTDOWN_GRACE_MS: '200' });
  await createPayments(service, 20, receiver.url);
  await aws.until(({ accepted }) => accepted.length === 20);
  await service.app.stop();
  expect(service.logs('Webhook given up')).toHaveLength(20);
  expect(service.logs('EventBridge event given up')).toEqual([]);
});

test('what the shutdown has no time for is logged, counted and sent to the dead-letter queue', async () => {
  const aws = await startAwsStandIn();
  aws.answerUsually({ kind: 'hang' });
  const service = await startService({
    ...quick,
    AWS_ENDPOINT_URL: aws.url,
    PAYMENT_WEBHOOK_DLQ_URL: `${aws.url}/000000000000/payment-webhook-dlq`,
    SHUTDOWN_GRACE_MS: '4000',
  });
  await createPayments(service, 25);
  await service.app.stop();
  expect(service.logs('EventBridge event given up')).toHaveLength(25);
  expect(aws.messages).toHaveLength(25);
  expect(aws.messages[0]?.MessageAttributes['reason']?.StringValue).toBe('shutdown');
});

test('auto without credentials or endpoint is off: one line, and every event counted as skipped', async () => {
  const service = await startService(quick);
  await createPayments(service, 5);
  await untilSum(service, 'payment_settlements_total', 5);
  expect(await service.metric('eventbridge_events_total{outcome="skipped"}')).toBe(5);
  expect(service.logs().filter(({ msg }) => String(msg).startsWith('EventBridge'))).toMatchObject([
    { level: 'info', msg: 'EventBridge is off: neither AWS credentials nor an endpoint URL are configured' },
  ]);
  expect(await readiness(service)).toMatchObject({ status: 200 });
});

test('auto with an endpoint over https looks for credentials even where none are configured', async () => {
  const nothing = {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
    AWS_ACCESS_KEY_ID: '',
    AWS_PROFILE: '',
  };
  for (const [name, value] of Object.entries(nothing)) {
    vi.stubEnv(name, value);
  }
  onTestFinished(() => void vi.unstubAllEnvs());
  const clock = createFakeClock(Date.now());
  const service = await startService(
    { ...quick, AWS_ENDPOINT_URL: 'https://127.0.0.1:1' },
    { clock, machine: clock },
  );
  while (service.logs(offLine).length === 0) {
    await clock.advance(500);
  }
  expect(service.logs(offLine)[0]?.['error']).toMatch(/^CredentialsProviderError/);
});

test('off is silent', async () => {
  const service = await startService({
    ...quick,
    EVENTBRIDGE: 'off',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
  });
  await createPayments(service, 1);
  await untilSum(service, 'payment_settlements_total', 1);
  expect(service.logs().filter(({ msg }) => String(msg).includes('EventBridge'))).toEqual([]);
  expect(await service.metric('eventbridge_events_total{outcome="skipped"}')).toBeUndefined();
});

test('auto with credentials that do not resolve skips after a few seconds, and goes on when they do', async () => {
  const aws = await startAwsStandIn();
  const directory = mkdtempSync(join(tmpdir(), 'payment-sim-aws-'));
  const keyFile = join(directory, 'keys.json');
  const files = {
    AWS_CONFIG_FILE: join(directory, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'credentials'),
  };
  writeFileSync(files.AWS_CONFIG_FILE, `[profile tacos]\ncredential_process = cat ${keyFile}\n`);
  for (const [name, value] of Object.entries({ ...files, AWS_EC2_METADATA_DISABLED: 'true' })) {
    vi.stubEnv(name, value);
  }
  onTestFinished(() => void vi.unstubAllEnvs());
  const clock = createFakeClock(Date.now());
  const service = await startService(
    { ...quick, ...files, AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url },
    { clock, machine: clock },
  );
  await createPayments(service, 3);
  while (service.logs(offLine).length === 0) {
    await clock.advance(500);
  }
  expect(await service.metric('eventbridge_events_total{outcome="skipped"}')).toBe(3);

  writeFileSync(
    keyFile,
    JSON.stringify({ Version: 1, AccessKeyId: 'test', SecretAccessKey: 'test', SessionToken: 'test' }),
  );
  while (service.logs('EventBridge is on').length === 0) {
    await clock.advance(1_000);
  }
  await createPayments(service, 2);
  while (aws.accepted.length < 2) {
    await clock.advance(5);
  }
  expect(service.logs(offLine)).toHaveLength(1);
  expect(await service.metric('eventbridge_events_total{outcome="skipped"}')).toBe(3);
});

test.each(['AccessDeniedException', 'ResourceNotFoundException'])(
  'a right that comes late costs no event, and is told while it is not there: %s',
  async (code) => {
    const aws = await startAwsStandIn();
    aws.answerUsually({ kind: 'error', status: 400, code });
    const service = await startService({ ...quick, EVENTBRIDGE: 'on', AWS_ENDPOINT_URL: aws.url });
    await createPayments(service, 25);
    await aws.until(({ calls }) => calls.length >= 3);
    expect(await readiness(service)).toMatchObject({
      status: 503,
      reason: expect.stringContaining(`EventBridge takes no events: ${code}`) as string,
    });
    aws.answerUsually({ kind: 'accept' });
    await aws.until(({ accepted }) => accepted.length === 25);
    await expect.poll(() => readiness(service)).toMatchObject({ status: 200 });
    expect(await sumOf(service, 'dead_letters_total')).toBe(0);
  },
);

test('once all events are given up the service is ready again, since only new ones can tell', async () => {
  const aws = await startAwsStandIn();
  aws.answerUsually({ kind: 'error', status: 400, code: 'AccessDeniedException' });
  const env = { ...quick, EVENTBRIDGE: 'on', EVENTBRIDGE_MAX_ATTEMPTS: '2', AWS_ENDPOINT_URL: aws.url };
  const service = await startService(env);
  await createPayments(service, 5);
  await untilSum(service, 'dead_letters_total', 5);
  await expect.poll(() => readiness(service)).toMatchObject({ status: 200 });
});

test('throttling is no reason not to be ready', async () => {
  const aws = await startAwsStandIn();
  aws.answerUsually({ kind: 'error', status: 400, code: 'ThrottlingException' });
  const service = await startService({ ...quick, EVENTBRIDGE: 'on', AWS_ENDPOINT_URL: aws.url });
  await createPayments(service, 5);
  await aws.until(({ calls }) => calls.length >= 3);
  expect(await readiness(service)).toMatchObject({ status: 200 });
  aws.answerUsually({ kind: 'accept' });
  await aws.until(({ accepted }) => accepted.length === 5);
});

test('when calls work again, what failed before does not wait out its own time', async () => {
  const aws = await startAwsStandIn();
  const clock = createFakeClock(Date.now());
  const hourMs = String(3_600_000);
  const env = { EVENTBRIDGE_RETRY_BASE_MS: hourMs, EVENTBRIDGE_RETRY_MAX_MS: hourMs };
  const service = await startService(
    { ...quick, ...env, AWS_ENDPOINT_URL: aws.url },
    { clock, machine: clock },
  );
  aws.answerUsually({ kind: 'error', status: 500, code: 'InternalFailure' });
  await createPayments(service, 20);
  while ((await service.metric('eventbridge_backlog{state="retrying"}')) === 0) {
    await clock.advance(5);
  }
  aws.answerUsually({ kind: 'accept' });
  const startedAtMs = clock.now();
  await createPayments(service, 1);
  while (aws.accepted.length < 21) {
    await clock.advance(100);
  }
  // The pause between calls is 2 s at most.
  expect(clock.now() - startedAtMs).toBeLessThan(60_000);
});

const hopeless = { ...quick, ENVIRONMENT: 'staging', WEBHOOK_SECRET: 'secret', SHUTDOWN_GRACE_MS: '3600000' };

test('a stop does not wait for an AWS that has never taken anything', async () => {
  const aws = await startAwsStandIn();
  aws.answerUsually({ kind: 'error', status: 400, code: 'AccessDeniedException' });
  aws.answerOperation('AmazonSQS.SendMessageBatch', () => ({
    status: 400,
    body: { __type: 'AccessDeniedException' },
  }));
  const queue = `${aws.url}/000000000000/payment-webhook-dlq`;
  const env = { EVENTBRIDGE: 'on', AWS_ENDPOINT_URL: aws.url, PAYMENT_WEBHOOK_DLQ_URL: queue };
  const service = await startService({ ...hopeless, ...env });
  await createPayments(service, 200);
  await aws.until(({ calls }) => calls.length >= 2);
  // Within the time that a test has.
  await service.app.stop();
  expect(service.logs('EventBridge event given up')).toHaveLength(200);
  const lost = service.logs().flatMap((line) => (line['event_ids'] ?? []) as string[]);
  expect(new Set(lost).size).toBe(200);
});

test('a stop does not wait for credentials that do not resolve', async () => {
  const env = { EVENTBRIDGE: 'on', AWS_ENDPOINT_URL: 'https://127.0.0.1:1', AWS_PROFILE: 'nobody' };
  for (const [name, value] of Object.entries({ AWS_EC2_METADATA_DISABLED: 'true', AWS_PROFILE: 'nobody' })) {
    vi.stubEnv(name, value);
  }
  onTestFinished(() => void vi.unstubAllEnvs());
  const service = await startService({ ...hopeless, ...env });
  await createPayments(service, 3);
  await service.app.stop();
  expect(service.logs('EventBridge event given up')).toHaveLength(3);
});

test('a call that fails or works shows in readiness before the next look at the bus', async () => {
  const aws = await startAwsStandIn();
  const clock = createFakeClock(Date.now());
  const service = await startService(
    { ...quick, EVENTBRIDGE: 'on', AWS_ENDPOINT_URL: aws.url },
    { clock, machine: clock },
  );
  await expect.poll(() => readiness(service)).toMatchObject({ status: 200 });
  aws.close();
  await createPayments(service, 1);
  const startedAtMs = clock.now();
  while ((await readiness(service)).status !== 503) {
    await clock.advance(5);
  }
  const again = await startAwsStandIn(Number(new URL(aws.url).port));
  while ((await readiness(service)).status !== 200) {
    await clock.advance(50);
  }
  expect(clock.now() - startedAtMs).toBeLessThan(10_000);
  expect(again.accepted.length).toBeGreaterThan(0);
});

test('on is not ready while AWS cannot be reached, and ready once it can', async () => {
  const aws = await startAwsStandIn();
  aws.close();
  const clock = createFakeClock(Date.now());
  const env = { ...quick, EVENTBRIDGE: 'on', AWS_ENDPOINT_URL: aws.url };
  const service = await startService(env, { clock, machine: clock });
  while (service.logs('EventBridge cannot be relied on').length === 0) {
    await nextTurn();
  }
  expect(await readiness(service)).toMatchObject({
    status: 503,
    reason: expect.stringContaining('EventBridge cannot be reached') as string,
  });
  expect((await fetch(`${service.opsUrl}/livez`)).status).toBe(200);
  await startAwsStandIn(Number(new URL(aws.url).port));
  while ((await readiness(service)).status !== 200) {
    await clock.advance(10_000);
  }
});

test.each([
  ['ResourceNotFoundException', 400, 503, 'does not exist'],
  ['UnrecognizedClientException', 400, 503, 'cannot be reached'],
  ['AccessDeniedException', 400, 200, undefined],
])('on, when AWS answers the question for the bus with %s', async (code, status, expected, reason) => {
  const aws = await startAwsStandIn();
  aws.answerOperation('AWSEvents.DescribeEventBus', () => ({ status, body: { __type: code } }));
  const service = await startService({ ...quick, EVENTBRIDGE: 'on', AWS_ENDPOINT_URL: aws.url });
  let ready = await readiness(service);
  while (String(ready.reason).includes('yet')) {
    ready = await readiness(service);
  }
  expect(ready.status).toBe(expected);
  expect(String(ready.reason)).toContain(String(reason));
});

test('the SDK is loaded only when EventBridge is on', async () => {
  const aws = await startAwsStandIn();
  const runs = [
    { EVENTBRIDGE: 'off', AWS_ENDPOINT_URL: aws.url },
    { EVENTBRIDGE: 'auto' },
    { EVENTBRIDGE: 'auto', AWS_ENDPOINT_URL: aws.url },
  ];
  const results = await Promise.all(runs.map(loadedPackages));
  const [off, unset, on] = results.map((names) => names.filter((name) => /^@(aws-sdk|smithy)\//.test(name)));
  expect([off, unset]).toEqual([[], []]);
  expect(on).toContain('@aws-sdk/client-eventbridge');
  expect(aws.accepted).toHaveLength(1);
});

test('mistakes in the variables are told by name', () => {
  expect(loadMistakenConfig).toThrow(ConfigError);
  for (const name of [
    'EVENTBRIDGE must',
    'EVENT_BUS_NAME',
    'PAYMENT_EVENT_SOURCE',
    'AWS_ENDPOINT_URL',
    'AWS_REGION',
    'AWS_SECRET_ACCESS_KEY',
    'PAYMENT_WEBHOOK_DLQ_URL',
    'EVENTBRIDGE_RETRY_MAX_MS',
  ]) {
    expect(loadMistakenConfig).toThrow(name);
  }
});
