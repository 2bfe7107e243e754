import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readFileRules } from '../../src/app/file-rules.ts';
import { ConfigError } from '../../src/base/env/config-error.ts';
import { knownFailureCodes } from '../../src/contracts/platform-v1/decline-codes.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { loadedPackages } from '../support/loaded-packages.ts';
import { startService } from '../support/start-service.ts';
import { createConnectCaller, createPayment, getPayment, intentMessage } from '../system/connect-json.ts';

const dayMs = 86_400_000;
const { magic: magicRules } = await readFileRules({
  simulatorApi: true,
  magicUsers: true,
  rulesFile: undefined,
});

/** A service with a clock that stands still, and a caller. */
async function startSteered(env: Readonly<Record<string, string>> = {}) {
  const clock = createFakeClock();
  const { apiUrl } = await startService({ EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0', ...env }, { clock });
  return { clock, call: createConnectCaller(apiUrl) };
}

function writeRules(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-rules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'rules.yaml');
  writeFileSync(file, text);
  return file;
}

describe('the file', () => {
  test('has a user for every failure code that is known, and for the other codes of Stripe', () => {
    const codes = magicRules.flatMap(({ behavior }) => behavior.failureCode ?? []);
    expect(codes).toEqual(expect.arrayContaining([...knownFailureCodes]));
    // 47 of Stripe's, and three more.
    expect(new Set(codes).size).toBe(50);
  });

  test('names each rule after its user, who is one, and says where it stands', () => {
    for (const { id, match, source, behavior } of magicRules) {
      expect(id).toBe(`magic:${match.userId}`);
      expect(match.userId).toMatch(/^sim_[a-z0-9_]+$/);
      expect(source).toMatch(/^rules\/magic-users\.yaml:\d+$/);
      expect(behavior.failureCode === undefined || match.userId === `sim_${behavior.failureCode}`).toBe(true);
    }
  });
});

describe('the user', () => {
  test('sim_<failure code> creates payments that fail with it', async () => {
    const { clock, call } = await startSteered();
    const codes = magicRules.flatMap(({ behavior }) => behavior.failureCode ?? []);
    const ids = await Promise.all(codes.map((code) => createPayment(call, { user_id: `sim_${code}` })));
    await clock.advance(2_000);
    const payments = await Promise.all(ids.map((id) => getPayment(call, id)));
    expect(payments).toMatchObject(
      codes.map((code) => ({ status: 'PAYMENT_STATUS_FAILED', failure_code: code })),
    );
  });

  test('sim_hold creates payments that stay as they are until somebody settles them', async () => {
    const { clock, call } = await startSteered();
    const id = await createPayment(call, { user_id: 'sim_hold' });
    await clock.advance(dayMs);
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
    await call('ProcessPayment', { payment_intent_id: id });
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
  });

  test('sim_expire creates payments that expire at once, and not after a quarter of an hour', async () => {
    const { clock, call } = await startSteered();
    const id = await createPayment(call, { user_id: 'sim_expire' });
    await clock.advance(1_999);
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
    await clock.advance(1);
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_EXPIRED' });
  });

  test.each([1, 2, 3, 5, 10, 30, 60])('sim_delay_%i settles so late', async (seconds) => {
    const { clock, call } = await startSteered();
    const id = await createPayment(call, { user_id: `sim_delay_${seconds}` });
    await clock.advance(seconds * 1_000 - 1);
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
    await clock.advance(1);
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
  });

  test('sim_fail_2_then_ok is refused twice for each reservation', async () => {
    const { clock, call } = await startSteered();
    const pay = (reservation: string) =>
      call(
        'CreatePaymentIntent',
        intentMessage({
          user_id: 'sim_fail_2_then_ok',
          reservation_id: reservation,
          idempotency_key: reservation,
        }),
      );
    const answers = [];
    for (const reservation of ['r-1', 'r-2', 'r-1', 'r-2', 'r-1', 'r-2', 'r-1']) {
      const { httpStatus, body } = await pay(reservation);
      answers.push(body['code'] ?? httpStatus);
    }
    expect(answers).toEqual([...Array<string>(4).fill('unavailable'), 200, 200, 200]);
    const { body } = await pay('r-1');
    await clock.advance(2_000);
    const id = String(body['payment_intent_id']);
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
    expect(await countPayments(call, 'sim_fail_2_then_ok')).toBe(2);
  });

  test('sim_unavailable is refused always', async () => {
    const { call } = await startSteered();
    for (let index = 0; index < 4; index += 1) {
      const answer = await call('CreatePaymentIntent', intentMessage({ user_id: 'sim_unavailable' }));
      expect(answer).toMatchObject({ httpStatus: 503, body: { code: 'unavailable' } });
    }
    expect(await countPayments(call, 'sim_unavailable')).toBe(0);
  });

  test('sim_unavailable_after loses one answer, and gets the same payment with the same key', async () => {
    const { call } = await startSteered();
    const message = intentMessage({ user_id: 'sim_unavailable_after', idempotency_key: 'k' });
    expect(await call('CreatePaymentIntent', message)).toMatchObject({ body: { code: 'unavailable' } });
    expect(await countPayments(call, 'sim_unavailable_after')).toBe(1);
    expect(await call('CreatePaymentIntent', message)).toMatchObject({ httpStatus: 200 });
    expect(await countPayments(call, 'sim_unavailable_after')).toBe(1);
  });
});

test('the users are there in the platform’s contract as well', async () => {
  const clock = createFakeClock();
  const env = { EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0', PLATFORM_GRPC_PORT: '0' };
  const { platformUrl } = await startService(env, { clock });
  const call = createConnectCaller(platformUrl);
  const id = await createPayment(call, { user_id: 'sim_insufficient_funds' });
  await clock.advance(2_000);
  expect(await getPayment(call, id)).toMatchObject({
    status: 'PAYMENT_STATUS_FAILED',
    result: { failure_reason: 'insufficient_funds' },
  });
});

async function countPayments(call: ReturnType<typeof createConnectCaller>, userId: string): Promise<number> {
  const { body } = await call('ListPayments', { user_id: userId });
  return ((body['payments'] ?? []) as unknown[]).length;
}

describe('beside RULES_FILE', () => {
  test('its rules are asked before the magic users, and among them the first one first', async () => {
    const RULES_FILE = writeRules(`
- { match: { user_id: sim_* }, simulation: { failure_code: first } }
- { match: { user_id: sim_lost_card }, simulation: { failure_code: second, delay_ms: 7 } }`);
    const { clock, call } = await startSteered({ RULES_FILE });
    const id = await createPayment(call, { user_id: 'sim_lost_card' });
    // What the first does not say the second does.
    await clock.advance(7);
    expect(await getPayment(call, id)).toMatchObject({ failure_code: 'first' });
  });

  test.each([{ MAGIC_USERS: 'off' }, { SIMULATOR_API: 'off' }])('are not there with %o', async (env) => {
    const { clock, call } = await startSteered(env);
    const id = await createPayment(call, { user_id: 'sim_lost_card' });
    await clock.advance(2_000);
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
  });

  test('a mistake in it ends the start, whose message has all of them', async () => {
    const file = writeRules('- rule_id: magic:sim_hold\n  simulation: { failure_code: "a b" }\n');
    const start = startSteered({ RULES_FILE: file });
    await expect(start).rejects.toThrow(ConfigError);
    await expect(start).rejects.toMatchObject({
      mistakes: [
        expect.stringMatching(/^RULES_FILE \S+rules\.yaml:1:3 rule_id .* at rules\/magic-users\.yaml:\d+$/),
        expect.stringMatching(/^RULES_FILE \S+rules\.yaml:2:17 simulation\.failure_code must be /),
      ],
    });
  });

  test.each([
    ['is not there', () => '/nowhere/rules.yaml', 'ENOENT'],
    ['is a folder', () => tmpdir(), 'it is no regular file'],
    ['is in UTF-16', () => writeRules('[\0]\0'), 'UTF-16'],
  ])('a file that %s cannot be read', async (_name, makeFile, reason) => {
    const file = makeFile();
    await expect(startSteered({ RULES_FILE: file })).rejects.toThrow(`RULES_FILE ${file} cannot be read: `);
    await expect(startSteered({ RULES_FILE: file })).rejects.toThrow(reason);
  });
});

test.each([
  [{ ENVIRONMENT: 'production', WEBHOOK_SECRET: 'mine' }, false],
  [{ MAGIC_USERS: 'off' }, false],
  [{ SIMULATOR_API: 'off' }, false],
  [{}, true],
])('with %o whether the parser of YAML is loaded is %s', async (env, isLoaded) => {
  const names = await loadedPackages({ EVENTBRIDGE: 'off', ...env });
  expect(names.includes('yaml')).toBe(isLoaded);
});
