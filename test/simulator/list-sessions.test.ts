import { expect, test } from 'vitest';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { systemClock } from '../../src/base/clock.ts';
import { inSession, startSteered } from '../support/steering.ts';

/* Which sessions there are. */

async function listed(sim: Awaited<ReturnType<typeof startSteered>>) {
  const { sessions = [], total } = await sim.done('ListSessions', {});
  return { total, sessions: (sessions as JsonObject[]).map(idAndCounters) };
}

function idAndCounters({ session, counters }: JsonObject): JsonObject {
  return { id: (session as JsonObject)['session_id'] ?? '', ...(counters as JsonObject) };
}

test('the global one is always there', async () => {
  const sim = await startSteered();
  expect(await listed(sim)).toMatchObject({ total: 1, sessions: [{ id: '' }] });
});

test('those with settings, with rules, and those that are only names, the last one used first', async () => {
  const sim = await startSteered({}, { machine: systemClock });
  await sim.done(
    'UpdateSession',
    { session: { manual_clock: true, webhook_url: 'http://a.example/' } },
    'set',
  );
  await sim.rule({ simulation: { failure_code: 'a' } }, 'ruled');
  await sim.outcome({}, 'ruled');
  await sim.create({}, 'name');
  await sim.create({}, 'name');
  await sim.create();
  const { sessions, total } = await listed(sim);
  expect(total).toBe(4);
  expect(Object.fromEntries(sessions.map(({ id, ...counters }) => [id as string, counters]))).toMatchObject({
    '': { payments: 1, payments_by_status: { PENDING: 1 } },
    name: { payments: 2, payments_by_status: { PENDING: 2 } },
    ruled: { payments: 1, payments_by_status: { FAILED: 1 }, rules: 1, matched: '1' },
    set: {},
  });
  expect(sessions.at(-1)?.['id']).toBe('set');
  const { sessions: whole } = await sim.done('ListSessions', {});
  const set = (whole as { session: JsonObject }[]).find(({ session }) => session['session_id'] === 'set');
  expect(set).toMatchObject({ session: { manual_clock: true, webhook_url: 'http://a.example/' } });
  expect(set?.session['now']).toBeTruthy();
  await sim.done('ResetSession', {}, '*');
  expect(await listed(sim)).toMatchObject({ total: 1 });
});

test('looking at it does not keep a session from its end', async () => {
  const sim = await startSteered({ SESSION_IDLE_MS: '2000' });
  await sim.done('UpdateSession', { session: { seed: 1 } }, 'idle');
  for (let second = 0; second < 4; second += 1) {
    await sim.clock.advance(1_000);
    await sim.done('ListSessions', {});
    await sim.done('ExplainCall', {}, 'idle');
  }
  await expect
    .poll(async () => (await sim.client.call('GetSession', {}, inSession('idle'))).message['session'])
    .toEqual({ session_id: 'idle' });
});

test('no more than a thousand, the global one among them', async () => {
  const sim = await startSteered();
  for (let batch = 0; batch < 10; batch += 1) {
    await Promise.all(Array.from({ length: 100 }, (_, at) => sim.create({}, `name-${100 * batch + at}`)));
  }
  const { sessions, total } = await listed(sim);
  expect([sessions.length, total]).toEqual([1_000, 1_001]);
  expect(sessions.at(-1)).toMatchObject({ id: '' });
});

test('also what the journal has forgotten, while its payments are there', async () => {
  const sim = await startSteered({ JOURNAL_MAX_BYTES: '1048576' });
  await sim.create({}, 'early');
  for (let made = 0; made < 900; made += 1) {
    await sim.create({}, 'late');
  }
  const { sessions } = await sim.done('ListSessions', {});
  const early = (sessions as JsonObject[]).find(({ session }) => {
    return (session as JsonObject)['session_id'] === 'early';
  });
  expect(early).toMatchObject({ counters: { payments: 1 } });
  expect(early).not.toHaveProperty('last_used_at');
});
