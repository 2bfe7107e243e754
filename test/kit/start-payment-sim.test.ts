import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ConfigError, type PaymentSimOptions, startPaymentSim, verifyWebhook } from '../../src/index.ts';
import { createManualClock } from '../../src/simulator/manual-clock.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';

async function startSim(options: PaymentSimOptions = {}) {
  const sim = await startPaymentSim(options);
  onTestFinished(() => sim.stop());
  return { sim, call: createConnectCaller(sim.apiUrl, 2) };
}

const atOnce = { DEFAULT_DELAY_MS: 0 };

test('two run at the same time and know nothing of each other', async () => {
  const receiver = await startWebhookReceiver();
  const [first, second] = await Promise.all([
    startSim({ variables: { ...atOnce, WEBHOOK_SECRET: 'first' } }),
    startSim({ variables: { ...atOnce, WEBHOOK_SECRET: 'second', DEFAULT_SCENARIO: 'fail' } }),
  ]);
  const ids = await Promise.all(
    [first, second].map(({ call }) => createPayment(call, { webhook_url: receiver.url })),
  );
  const [one, two] = [
    await first.sim.waitForWebhook(ids[0] ?? ''),
    await second.sim.waitForWebhook(ids[1] ?? ''),
  ];
  expect([one.status, two.status]).toEqual(['COMPLETED', 'FAILED']);
  expect([first.sim.webhooks, second.sim.webhooks]).toEqual([[one], [two]]);
  const { body, headers } = one;
  expect(verifyWebhook({ body: body ?? '', headers: headers ?? {}, secret: 'first' }).payment_id).toBe(
    ids[0],
  );
  expect(() => verifyWebhook({ body: body ?? '', headers: headers ?? {}, secret: 'second' })).toThrow();

  await first.sim.stop();
  const health = await fetch(`${second.sim.opsUrl}/health`);
  expect(health.status).toBe(200);
});

test('a webhook that fails is pending until it is delivered or given up', async () => {
  let answers = 0;
  const receiver = await startWebhookReceiver((response) => {
    answers += 1;
    response.writeHead(answers === 1 ? 500 : 410).end();
  });
  const { sim, call } = await startSim({ variables: { ...atOnce, WEBHOOK_RETRY_BASE_MS: 1 } });
  const id = await createPayment(call, { webhook_url: receiver.url });
  expect(await sim.waitForWebhook(({ attempts }) => attempts === 1)).toMatchObject({
    paymentId: id,
    outcome: 'pending',
    statusCode: 500,
    url: receiver.url,
  });
  expect(await sim.waitForWebhook(id)).toMatchObject({ outcome: 'given_up', attempts: 2, statusCode: 410 });
});

test('a settlement is known whether there is a webhook or not, and by the clock that is given', async () => {
  const clock = createFakeClock();
  const { sim, call } = await startSim({ clock, newId: countingIds() });
  const id = await createPayment(call);
  const settled = sim.waitForSettlement(id);
  await clock.advance(2_000);
  expect(await settled).toEqual({
    paymentId: 'pay-1',
    reservationId: 'reservation-1',
    userId: 'user-1',
    status: 'COMPLETED',
    amount: 120_000,
    currency: 'KRW',
    eventId: 'evt-3',
  });
  expect(await sim.waitForSettlement(id)).toEqual(await settled);
  expect(sim.webhooks).toEqual([]);
});

test('waiting in vain ends, with what there was instead', async () => {
  const receiver = await startWebhookReceiver();
  const { sim, call } = await startSim({ variables: atOnce });
  const id = await createPayment(call, { webhook_url: receiver.url });
  await sim.waitForWebhook(id);
  await expect(sim.waitForWebhook('pay-other', { timeoutMs: 1 })).rejects.toThrow(
    `No such webhook among the 1 that were sent or tried\n  ${id} delivered after 1: no error within 1 ms`,
  );
  await expect(sim.waitForSettlement('pay-other', { timeoutMs: 1 })).rejects.toThrow('within 1 ms');
  const late = sim.waitForSettlement('pay-other');
  const rejection = expect(late).rejects.toThrow('before the simulator stopped');
  await sim.stop();
  await rejection;
});

test('what is pending at the end does not hold the end up', async () => {
  const { sim, call } = await startSim({ variables: { DEFAULT_DELAY_MS: 86_400_000 } });
  const id = await createPayment(call);
  await sim.stop();
  expect((await sim.waitForSettlement(id)).status).toBe('COMPLETED');
});

test('a clock that is never moved and a receiver that is silent do not hold the end up', async () => {
  const asked = Promise.withResolvers<void>();
  const receiver = await startWebhookReceiver(() => asked.resolve());
  const clock = createManualClock();
  const { sim, call } = await startSim({ clock, variables: atOnce });
  const waiting = await createPayment(call, { webhook_url: receiver.url });
  const asking = await createPayment(call, { webhook_url: receiver.url });
  await call('ProcessPayment', { payment_intent_id: asking });
  await asked.promise;
  await sim.stop();
  expect((await sim.waitForSettlement(waiting)).status).toBe('COMPLETED');
  expect(await sim.waitForWebhook(asking)).toMatchObject({
    outcome: 'given_up',
    error: 'shutdown: out of time',
  });
  expect(clock.timerCount()).toBe(0);
}, 8_000);

test('a log that throws costs no payment and no webhook, and is told of once', async () => {
  const warnings: string[] = [];
  const note = ({ message }: Error) => void warnings.push(message);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const receiver = await startWebhookReceiver();
  const { sim, call } = await startSim({
    variables: { ...atOnce, LOG_LEVEL: 'debug' },
    log() {
      throw new Error('a full disk');
    },
  });
  const id = await createPayment(call, { webhook_url: receiver.url });
  expect(await sim.waitForWebhook(id)).toMatchObject({ outcome: 'delivered', attempts: 1 });
  await sim.stop();
  expect(warnings.filter((message) => message.includes('a full disk'))).toHaveLength(1);
});

test('every mistake in the variables is told at once, misspelt names too', async () => {
  const wrong = startPaymentSim({ variables: { DEFAULT_DELAY_MS: -1, DEFAULT_DELAY: 5, LOG_LEVEL: 'loud' } });
  await expect(wrong).rejects.toThrow(ConfigError);
  await expect(wrong).rejects.toMatchObject({
    mistakes: [
      expect.stringMatching(/^LOG_LEVEL must be one of/),
      'DEFAULT_DELAY_MS must be a whole number from 0 to 86400000, not "-1"',
      'DEFAULT_DELAY is not a variable of Payment Sim',
    ],
  });
});

test('a port that is taken is an error, and nothing is left open', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  await expect(startPaymentSim({ variables: { HEALTH_PORT: port } })).rejects.toThrow('EADDRINUSE');
});

test('log lines go where they are sent, and nowhere by default', async () => {
  const lines: string[] = [];
  await startSim({ log: (line) => lines.push(line) });
  expect(lines).toEqual([]);
  await startSim({ variables: { LOG_LEVEL: 'info' }, log: (line) => lines.push(line) });
  expect(lines.map((line) => (JSON.parse(line) as Record<string, unknown>)['msg'])).toEqual([
    'Payment Sim is ready',
  ]);
});

test('the process is left alone', async () => {
  const events = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection', 'exit'] as const;
  const count = () => events.map((event) => process.listenerCount(event));
  const before = count();
  const sims = await Promise.all([startSim(), startSim()]);
  expect(count()).toEqual(before);
  await Promise.all(sims.map(({ sim }) => sim.stop()));
});

function countingIds() {
  let next = 0;
  return (prefix: string) => `${prefix}-${(next += 1)}`;
}

test('a look for a webhook that throws fails the one who looks, and harms no delivery', async () => {
  const receiver = await startWebhookReceiver();
  const { sim, call } = await startSim({ variables: atOnce });
  // The body is there once it has been sent, and the receiver's status once it has answered.
  const looks = [
    sim.waitForWebhook(({ body }) => body?.length === 0 || JSON.parse(body ?? '') === ''),
    sim.waitForWebhook(({ statusCode }) => {
      if (statusCode === undefined) {
        return false;
      }
      throw new TypeError('a mistake in a test');
    }),
  ];
  const outcomes = Promise.allSettled(looks);
  const id = await createPayment(call, { webhook_url: receiver.url });
  expect(await sim.waitForWebhook(({ outcome }) => outcome === 'delivered')).toMatchObject({ paymentId: id });
  const [first, second] = await outcomes;
  expect(first).toMatchObject({ status: 'rejected', reason: expect.any(SyntaxError) });
  expect(second).toMatchObject({ status: 'rejected', reason: { message: 'a mistake in a test' } });
});
