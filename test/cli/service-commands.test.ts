import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type RunningService, startService } from '../support/start-service.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';
import { runPaymentSim, startPaymentSimCommand } from './payment-sim.ts';

const settings = {
  DEFAULT_DELAY_MS: '50',
  EVENTBRIDGE: 'off',
  SHUTDOWN_GRACE_MS: '0',
  WEBHOOK_RETRY_BASE_MS: '50',
};

/** The service, and how commands are run on it. */
async function startForCommands(env: Readonly<Record<string, string>> = {}) {
  const service = await startService({ ...settings, ...env });
  const at = (...args: string[]) => runPaymentSim([...args, '--url', service.apiUrl]);
  return { service, at };
}

async function createIn(
  { apiUrl }: RunningService,
  change: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return await createPayment(createConnectCaller(apiUrl), { ...change });
}

describe('trigger', () => {
  test('shows the life of a payment until its webhook has arrived at the built-in receiver', async () => {
    const { service, at } = await startForCommands();
    const { code, stdout, stderr } = await at('trigger', '--scenario', 'fail');
    expect([code, stderr]).toEqual([0, '']);
    expect(
      stdout
        .split('\n')
        .map((line) => line.replace(/^[\d:.]+ {2}(pay-\S+ +)?/, '').replaceAll(/ {2,}/g, ' ')),
    ).toEqual([
      expect.stringMatching(/^payment pay-[0-9a-f-]{36}$/),
      expect.stringMatching(/^PENDING ₩120,000 reservation-[0-9a-f]{8} settles in 50 ms$/),
      expect.stringMatching(/^CreatePaymentIntent OK \d+ ms$/),
      expect.stringMatching(/^FAILED card_declined txn-[0-9a-f-]{36}$/),
      expect.stringMatching(/^webhook handed over evt-[0-9a-f]{8} http:\S+\/inbox$/),
      expect.stringMatching(/^webhook 204 evt-[0-9a-f]{8} http:\S+\/inbox$/),
      'Its webhook arrived.',
      '',
    ]);
    expect(service.logs('Webhook delivered')).toHaveLength(1);
  });

  test('ends with 1 when the webhook is not taken, and when the call is refused', async () => {
    const { at } = await startForCommands({ WEBHOOK_MAX_ATTEMPTS: '2' });
    const nobody = `http://127.0.0.1:${await freePort()}/`;
    const [givenUp, refused] = await Promise.all([
      at('trigger', '--webhook-url', nobody),
      at('trigger', '--behavior', 'UNAVAILABLE'),
    ]);
    expect(givenUp.code).toBe(1);
    expect(givenUp.stdout).toMatch(/webhook attempt 1 .*ECONNREFUSED/);
    expect(givenUp.stdout).toMatch(/webhook waits .*again in \d+ ms/);
    expect(givenUp.stdout).toMatch(/webhook given up .*exhausted: ECONNREFUSED/);
    expect(givenUp.stdout).toContain('Its webhook has ended without being taken.');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toBe('payment-sim trigger: UNAVAILABLE: simulated error of CreatePaymentIntent\n');
  });

  test('--json prints the entries of the journal', async () => {
    const { at } = await startForCommands();
    const { code, stdout } = await at(
      'trigger',
      '--behavior',
      'insufficient_funds',
      '--json',
      '--session',
      's-1',
    );
    expect(code).toBe(0);
    const entries = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.map(({ kind }) => kind)).toContain('ENTRY_KIND_CALL');
    expect(entries.every(({ session_id: id }) => id === 's-1')).toBe(true);
    expect(entries).toContainEqual(
      expect.objectContaining({
        transition: expect.objectContaining({
          payment: expect.objectContaining({ failure_code: 'insufficient_funds' }) as unknown,
        }) as unknown,
      }),
    );
  });
});

test('payments: list, get, cancel and refund, for people and for machines', async () => {
  const { service, at } = await startForCommands();
  const pending = await createIn(service, {
    user_id: 'user-9',
    simulation: { outcome: 'SIMULATED_OUTCOME_HOLD' },
  });
  const done = await createIn(service, { simulation: { delay_ms: 0 } });
  await expect.poll(async () => (await at('payments', 'get', done)).stdout).toMatch(/^status +COMPLETED$/m);

  const list = await at('payments', 'list', '--status', 'pending');
  expect(list.stdout).toMatch(
    /^PAYMENT +STATUS +AMOUNT +USER +RESERVATION +CREATED\npay-\S+ +PENDING +₩120,000 +user-9 /,
  );
  const listed = JSON.parse((await at('payments', 'list', '--limit', '1', '--json')).stdout) as {
    payments: unknown[];
  };
  expect(listed.payments).toHaveLength(1);
  expect((await at('payments', 'list', '--limit', '1')).stdout).toMatch(/^1 of 2; more with --cursor \S+$/m);
  expect((await at('payments', 'list', '--user', 'nobody')).stdout).toBe('none\n');

  expect(await at('payments', 'refund', pending)).toMatchObject({
    code: 1,
    stderr: `payment-sim payments refund: ${pending} is PENDING, not COMPLETED; payment-sim payments cancel does it\n`,
  });
  expect((await at('payments', 'refund', done, '--amount', '20000', '--reason', 'rain')).stdout).toBe(
    `${done} is COMPLETED, ₩20,000 given back\n`,
  );
  expect((await at('payments', 'refund', done)).stdout).toBe(`${done} is REFUNDED, ₩100,000 given back\n`);
  expect((await at('payments', 'cancel', pending)).stdout).toBe(`${pending} is CANCELLED\n`);
  expect(await at('payments', 'cancel', pending)).toMatchObject({ code: 1 });
  expect(await at('payments', 'get', 'pay-none')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'payment-sim payments get: NOT_FOUND: payment pay-none not found\n',
  });
});

test('rules and deliveries of a session: added, met, listed, sent again, removed, reset', async () => {
  const { service, at } = await startForCommands();
  const session = ['--session', 'checkout-17'];
  expect(
    (
      await at(
        'rules',
        'add',
        'do_not_honor',
        '--user',
        'user-7',
        '--id',
        'declined',
        '--times',
        '1',
        ...session,
      )
    ).stdout,
  ).toBe('rule declined is there\n');
  await at('rules', 'add', '{"rule_id": "twice", "simulation": {"delivery": {"copies": 2}}}', ...session);
  const triggered = await at('trigger', '--user', 'user-7', ...session);
  expect(triggered.stdout).toMatch(/FAILED +do_not_honor .*by rule twice, declined/);
  const rules = await at('rules', 'list', ...session);
  expect(rules.stdout).toMatch(
    /^declined +CreatePaymentIntent userId=user-7 +\{"outcome":"SIMULATED_OUTCOME_DECLINE","failure_code":"do_not_honor"\} +1 +1 +checkout-17 +api/m,
  );
  expect((await at('rules', 'list')).stdout).toBe('none\n');

  const [, eventId = ''] =
    /(evt-[0-9a-f-]{36})/.exec((await at('deliveries', 'list', ...session)).stdout) ?? [];
  expect((await at('deliveries', 'resend', '--event', eventId, '--dry-run')).stdout).toMatch(
    new RegExp(`^${eventId} pay-\\S+ http:\\S+/inbox\n1 found\n$`),
  );
  expect((await at('deliveries', 'resend', '--event', eventId)).stdout).toContain('1 sent again');
  await expect
    .poll(() => service.logs('Webhook delivered').filter((line) => line['event_id'] === eventId).length)
    .toBeGreaterThan(1);

  expect((await at('rules', 'remove', 'twice', ...session)).stdout).toBe('rule twice is gone\n');
  expect((await at('rules', 'remove', 'twice', ...session)).code).toBe(1);
  expect((await at('reset', ...session)).stdout).toBe('gone: payments 1, rules 1, sessions 1\n');
  expect(JSON.parse((await at('deliveries', 'list', '--json', ...session)).stdout)).toEqual({});
});

test('tail shows what happens in every session and outlives a restart of the service', async () => {
  const [apiPort, opsPort] = [String(await freePort()), String(await freePort())];
  const env = { ...settings, GRPC_PORT: apiPort, HEALTH_PORT: opsPort };
  const first = await startService(env);
  const tail = startPaymentSimCommand(['tail', '--url', first.apiUrl]);
  await tail.shown(/Watching http:/);
  const id = await createIn(first);
  await tail.shown(new RegExp(`${id.slice(0, 12)} +COMPLETED`));
  await first.app.stop();
  await tail.shown(/trying again/);
  const second = await startService(env);
  await tail.shown(/another simulator answers now/);
  const later = await createIn(second);
  await tail.shown(new RegExp(`${later.slice(0, 12)} +COMPLETED`));
});

describe('listen', () => {
  test('tells a genuine webhook from one that is not, and answers as it is told', async () => {
    const { service } = await startForCommands({ WEBHOOK_SECRET: 'of-our-own' });
    const listen = startPaymentSimCommand([
      'listen',
      '--port',
      '0',
      '--answer',
      '202',
      '--secret',
      'of-our-own',
    ]);
    const url = await listen.shown(/Listens at (http:\S+)\. /);
    const id = await createIn(service, { webhook_url: `${url}hook` });
    await listen.shown(
      new RegExp(`${id.slice(0, 12)} +genuine +COMPLETED +answered 202\n +\\{"payment_id":"${id}"`),
    );
    const forged = await fetch(url, { method: 'POST', body: '{}' });
    expect(forged.status).toBe(202);
    await listen.shown(/\/ +NOT GENUINE .* answered 202/);
  });

  test('hands webhooks on as they came, passes the answer back, and says when nobody is there', async () => {
    const { service } = await startForCommands({ WEBHOOK_MAX_ATTEMPTS: '1' });
    const received: IncomingMessage[] = [];
    const target = createServer((request, response) => {
      received.push(request);
      response.writeHead(418).end('short');
    });
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    onTestFinished(() => void target.close());
    const forwardTo = `http://127.0.0.1:${(target.address() as AddressInfo).port}/in`;
    const listen = startPaymentSimCommand(['listen', '--port', '0', '--json', '--forward-to', forwardTo]);
    const url = await listen.shown(/^\{"listens_at":"(http:.*)"\}\n/);
    await createIn(service, { webhook_url: url });
    const told = JSON.parse(await listen.shown(/^\{"path":.*\}$/m)) as Record<string, unknown>;
    expect(told).toMatchObject({ path: '/', verified: true, status_code: 418 });
    await expect
      .poll(() => service.logs('Webhook given up'))
      .toMatchObject([{ error: expect.stringContaining('418') as unknown }]);
    expect(received[0]?.headers).toMatchObject({ 'webhook-id': expect.stringMatching(/^evt-/) as unknown });
    expect(received[0]?.url).toBe('/in');
    target.close();
    target.closeAllConnections();
    await createIn(service, { webhook_url: url });
    await listen.shown(/"status_code":502,"error":"ECONNREFUSED/);
  });
});

test('without a service every command says where it has looked, and ends with 3', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const commands = [['payments', 'list'], ['tail'], ['trigger'], ['rules', 'list'], ['reset']];
  const results = await Promise.all(commands.map((command) => runPaymentSim([...command, '--url', url])));
  for (const [index, { code, stdout, stderr }] of results.entries()) {
    expect([code, stdout], commands[index]?.join(' ')).toEqual([3, '']);
    expect(stderr).toContain(`no answer from ${url} (ECONNREFUSED)`);
  }
});

test('where testers may not steer, it is told which variable lets them', async () => {
  const { at } = await startForCommands({ SIMULATOR_API: 'off' });
  const { code, stderr } = await at('tail');
  expect(code).toBe(1);
  expect(stderr).toContain('it needs SIMULATOR_API=on');
});
