import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { openWatch, type WatchedEntry } from '../support/clients/watch-client.ts';
import { failing, inSession, intent, startSteered } from '../support/steering.ts';

/* What happens, as it happens. Payments settle when they are told to: the simulation's clock stands still. */

const startWatched = (env: Readonly<Record<string, string>> = {}) =>
  startSteered(env, { machine: systemClock });

const isCallOf = (method: string) => (entry: WatchedEntry) => entry.call?.method === method;
const statusOf = ({ transition }: WatchedEntry) => transition?.payment['status'];

test('tells calls with what was said, and payments as they change', async () => {
  const sim = await startWatched({ EVENTBRIDGE: 'off' });
  const watch = openWatch(sim.apiUrl);
  expect(await watch.opened()).toMatchObject({ entries: [], skipped: '0' });
  const id = await sim.create({ metadata: { tags: { note: '메모 "1" \u2028' } } });
  await sim.done('ProcessPayment', { payment_intent_id: id });
  await watch.until(isCallOf('ProcessPayment'));
  expect(watch.entries.map(({ kind, payment_intent_id: payment }) => [kind, payment])).toEqual([
    ['ENTRY_KIND_TRANSITION', id],
    ['ENTRY_KIND_CALL', id],
    ['ENTRY_KIND_TRANSITION', id],
    ['ENTRY_KIND_CALL', id],
  ]);
  const [created, create, settled, process] = watch.entries;
  expect([created && statusOf(created), settled && statusOf(settled)]).toEqual([
    'PAYMENT_STATUS_PENDING',
    'PAYMENT_STATUS_COMPLETED',
  ]);
  expect(created?.transition?.['due_at']).toBeTruthy();
  expect(settled?.transition?.['event_id']).toMatch(/^evt-/);
  expect(JSON.parse(create?.call?.request ?? '')).toEqual(
    intent({ metadata: { tags: { note: '메모 "1" \u2028' } } }),
  );
  expect(JSON.parse(create?.call?.answer ?? '')).toEqual({
    payment_intent_id: id,
    status: 'PAYMENT_STATUS_PENDING',
  });
  expect(JSON.parse(process?.call?.answer ?? '')).toMatchObject({ payment_id: id });
});

test('names rules and faults, and tells what was refused', async () => {
  const sim = await startWatched();
  const watch = openWatch(sim.apiUrl);
  await watch.opened();
  const rule = await sim.rule(failing('', { code: 'UNAVAILABLE', message: 'down' }, { times: 1 }));
  await sim.call('CreatePaymentIntent', intent());
  await sim.call('CreatePaymentIntent', intent({ user_id: '' }));
  await sim.call('GetPaymentStatus', { payment_intent_id: 'pay-none' });
  await fetch(`${sim.apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"user": 1}',
  });
  await watch.until(({ call }) => call?.request === '');
  expect(watch.entries.map(({ call }) => call)).toMatchObject([
    { code: 'UNAVAILABLE', message: 'down', fault: 'error', rule_ids: [rule], answer: '' },
    { code: 'INVALID_ARGUMENT', message: 'user_id: is required', fault: '' },
    { code: 'NOT_FOUND', method: 'GetPaymentStatus' },
    { code: 'INVALID_ARGUMENT', method: 'CreatePaymentIntent', request: '' },
  ]);
  expect(watch.entries[2]?.payment_intent_id).toBe('pay-none');
});

test('of one session alone, of its payments whoever calls, or of all', async () => {
  const sim = await startWatched();
  const watches = ['a', 'b', '*', undefined].map((key) =>
    openWatch(sim.apiUrl, {}, key === undefined ? {} : inSession(key)),
  );
  await Promise.all(watches.map((watch) => watch.opened()));
  const id = await sim.create({}, 'a');
  await sim.done('ProcessPayment', { payment_intent_id: id });
  await sim.create({}, 'b');
  await sim.create();
  const [a, b, all, global] = watches;
  await Promise.all([
    all?.until(({ cursor }) => cursor.endsWith('-8')),
    global?.until(isCallOf('CreatePaymentIntent')),
  ]);
  const told = (watch: (typeof watches)[number] | undefined) =>
    watch?.entries.map(({ session_id: session, call }) => `${session}:${call?.method ?? ''}`);
  expect(told(a)).toEqual(['a:', 'a:CreatePaymentIntent', 'a:', 'a:ProcessPayment']);
  expect(told(b)).toEqual(['b:', 'b:CreatePaymentIntent']);
  expect(told(global)).toEqual([':', ':CreatePaymentIntent']);
  expect(told(all)).toEqual([...(told(a) ?? []), ...(told(b) ?? []), ...(told(global) ?? [])]);
});

test('of one payment, and of some kinds', async () => {
  const sim = await startWatched();
  const [id, other] = [await sim.create({}, 'a'), await sim.create()];
  await sim.done('ProcessPayment', { payment_intent_id: id });
  const watch = openWatch(sim.apiUrl, {
    cursor: 'oldest',
    filter: { kinds: ['ENTRY_KIND_TRANSITION'], payment_intent_id: id },
  });
  await watch.until((entry) => statusOf(entry) === 'PAYMENT_STATUS_COMPLETED');
  expect(watch.entries.map(statusOf)).toEqual(['PAYMENT_STATUS_PENDING', 'PAYMENT_STATUS_COMPLETED']);
  expect(watch.entries.map(({ payment_intent_id: payment }) => payment)).not.toContain(other);
});

test('goes on behind a cursor, of an entry or of a message, with nothing lost or doubled', async () => {
  const sim = await startWatched();
  const ids = [await sim.create(), await sim.create()];
  const first = openWatch(sim.apiUrl, { cursor: 'oldest' });
  const { cursor } = await first.until(isCallOf('CreatePaymentIntent'));
  first.cancel();
  ids.push(await sim.create());
  const second = openWatch(sim.apiUrl, { cursor, filter: { kinds: ['ENTRY_KIND_CALL'] } });
  await second.until(({ payment_intent_id: id }) => id === ids[2]);
  expect(second.entries.map(({ payment_intent_id: id }) => id)).toEqual(ids.slice(1));
  const third = openWatch(sim.apiUrl, { cursor: second.messages.at(-1)?.cursor });
  ids.push(await sim.create());
  await third.until(isCallOf('CreatePaymentIntent'));
  expect(new Set(third.entries.map(({ payment_intent_id: id }) => id))).toEqual(new Set(ids.slice(3)));
});

test('says how many entries are forgotten, and when the cursor is of another journal', async () => {
  const sim = await startWatched({ JOURNAL_MAX_BYTES: '1048576', SHUTDOWN_GRACE_MS: '0' });
  const opened = openWatch(sim.apiUrl);
  const { cursor } = await opened.opened();
  opened.cancel();
  const creates = 2_000;
  for (let left = creates; left > 0; left -= 100) {
    await Promise.all(Array.from({ length: 100 }, () => sim.create()));
  }
  const watch = openWatch(sim.apiUrl, { cursor });
  await watch.until(({ cursor: at }) => at.endsWith(`-${2 * creates}`));
  const skipped = Number(watch.messages[1]?.skipped);
  expect(skipped).toBeGreaterThan(0);
  expect(skipped + watch.entries.length).toBe(2 * creates);
  const [life = ''] = cursor.split('-');
  const other = openWatch(sim.apiUrl, { cursor: `${Number(life) - 1}-7` });
  expect(await other.opened()).toMatchObject({ skipped: '-1' });
  await other.until(() => true);
  expect(other.entries[0]).toEqual(watch.entries[0]);
});

test('one who does not read is cut off, and holds up nobody', async () => {
  const sim = await startWatched({ JOURNAL_MAX_BYTES: '1048576' });
  const slow = openWatch(sim.apiUrl, { cursor: 'oldest' });
  await slow.opened();
  slow.pause();
  const state = { isOver: false };
  const ended = slow.ended.finally(() => (state.isOver = true));
  const padding = { metadata: { tags: { padding: 'p'.repeat(250) } } };
  for (let rounds = 0; !state.isOver && rounds < 400; rounds += 1) {
    await Promise.all(Array.from({ length: 100 }, () => sim.create(padding)));
    if (rounds === 300) {
      // It has been cut off by now; that is told to who reads.
      slow.resume();
    }
  }
  expect((await ended)[0]).not.toBe('OK');
  const next = openWatch(sim.apiUrl, { cursor: slow.messages.at(-1)?.cursor });
  await next.until(() => true);
  expect(Number(next.messages.find(({ entries }) => entries.length > 0)?.skipped)).toBeGreaterThan(0);
});

test('messages stay below what clients take', async () => {
  const sim = await startWatched({ READ_MAX_BYTES: '1048576' });
  const long = { metadata: { tags: { padding: 'p'.repeat(100_000) } } };
  for (let calls = 0; calls < 50; calls += 1) {
    await sim.call('CreatePaymentIntent', intent(long));
  }
  const watch = openWatch(sim.apiUrl, { cursor: 'oldest' });
  await watch.until(({ cursor }) => cursor.endsWith('-50'));
  const lengths = watch.messages.map((message) => JSON.stringify(message).length);
  expect(Math.max(...lengths)).toBeLessThan(500_000);
  expect(watch.entries).toHaveLength(50);
});

test('refuses cursors that are none, and kinds that there are not', async () => {
  const sim = await startWatched();
  const { cursor } = await openWatch(sim.apiUrl).opened();
  const cases: readonly (readonly [JsonObject, string])[] = [
    [{ cursor: 'yesterday' }, 'cursor: must be'],
    [{ cursor: cursor.replace(/-0$/, '-9') }, 'cursor: must be'],
    [{ filter: { kinds: [9] } }, 'filter.kinds: must be'],
  ];
  for (const [request, text] of cases) {
    const [code, said] = await openWatch(sim.apiUrl, request).ended;
    expect([code, said]).toEqual(['INVALID_ARGUMENT', expect.stringContaining(text)]);
  }
});

test('a reset makes a session forget, and leaves the others', async () => {
  const sim = await startWatched();
  await sim.create({}, 'a');
  await sim.create({}, 'b');
  await sim.done('ResetSession', {}, 'a');
  const watch = openWatch(sim.apiUrl, { cursor: 'oldest' }, inSession('*'));
  await watch.until(isCallOf('CreatePaymentIntent'));
  expect(watch.entries.map(({ session_id: session }) => session)).toEqual(['b', 'b']);
});

test('a stop ends it', async () => {
  const sim = await startWatched();
  const watch = openWatch(sim.apiUrl);
  await watch.opened();
  const stopped = sim.app.stop();
  expect(await watch.ended).toEqual(['UNAVAILABLE', 'the service is stopping']);
  await stopped;
});

test('no more than a hundred watch', async () => {
  const sim = await startWatched();
  const watches = Array.from({ length: 100 }, () => openWatch(sim.apiUrl));
  await Promise.all(watches.map((watch) => watch.opened()));
  expect(await openWatch(sim.apiUrl).ended).toEqual([
    'RESOURCE_EXHAUSTED',
    expect.stringContaining('100 watch already'),
  ]);
  watches[0]?.cancel();
  await expect
    .poll(async () => {
      const watch = openWatch(sim.apiUrl);
      return await Promise.race([watch.opened().then(() => 'open'), watch.ended.then(([code]) => code)]);
    })
    .toBe('open');
});

test('who wants no more than so many a second has the last ones, and is told how many more there were', async () => {
  const sim = await startWatched();
  const filter = { kinds: ['ENTRY_KIND_TRANSITION'] };
  const watch = openWatch(sim.apiUrl, { max_per_second: 3, filter });
  await watch.opened();
  const first = await sim.create();
  await watch.until(({ payment_intent_id: id }) => id === first);
  const ids = await Promise.all(Array.from({ length: 20 }, () => sim.create()));
  const last = await sim.create();
  await watch.until(({ payment_intent_id: id }) => id === last);
  for (const { entries } of watch.messages) {
    expect(entries.length).toBeLessThanOrEqual(3);
  }
  const sampledOut = watch.messages.reduce((sum, message) => sum + Number(message.sampled_out), 0);
  expect(sampledOut).toBeGreaterThan(0);
  expect(watch.entries.length + sampledOut).toBe(ids.length + 2);
  expect(watch.entries.at(-1)?.payment_intent_id).toBe(last);
  expect(watch.messages.map(({ skipped }) => skipped)).toEqual(watch.messages.map(() => '0'));
  const ofAll = openWatch(sim.apiUrl, { cursor: 'oldest', filter });
  await ofAll.until(({ payment_intent_id: id }) => id === last);
  expect(watch.messages.at(-1)?.cursor).toBe(ofAll.messages.at(-1)?.cursor);
});

test('a sample of fewer than none is refused', async () => {
  const sim = await startWatched();
  expect(await openWatch(sim.apiUrl, { max_per_second: -1 }).ended).toEqual([
    'INVALID_ARGUMENT',
    expect.stringContaining('max_per_second: must not be below 0'),
  ]);
});
