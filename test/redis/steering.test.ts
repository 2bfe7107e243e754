import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { SteeringStore } from '../../src/simulator/ports.ts';
import { keyOf } from '../../src/simulator/steering-state.ts';
import { createRedisClients } from '../../src/state/redis/redis-clients.ts';
import { countsKey, reservationsKey, steeringKeys } from '../../src/state/redis/redis-keys.ts';
import { createRedisLink, type RedisLink } from '../../src/state/redis/redis-link.ts';
import { defineScripts } from '../../src/state/redis/redis-scripts.ts';
import { createRedisSteeringStore } from '../../src/state/redis/steering-store.ts';
import { byKey, record, sampleRule, sampleSession, sampleUse } from '../state/steering-store.contract.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startRedisCluster } from './start-redis-cluster.ts';

requireRedisInCi();

interface Bounds {
  readonly maxChanges?: number;
  readonly maxReservations?: number;
}

/** The stores of two processes on one Redis, with what they were told of, and a connection of its own. */
async function openStores(bounds: Bounds = {}) {
  const redis = await startRedisServer();
  const admin = new Redis(redis.url);
  onTestFinished(() => admin.disconnect());
  const openOne = () => openStore(redis.url, bounds);
  return { redis, admin, openOne, a: await openOne(), b: await openOne() };
}

async function openStore(url: string, bounds: Bounds, cluster = false) {
  const { calls: client, jobs } = createRedisClients(url, cluster);
  defineScripts(client);
  const link = createRedisLink({
    client,
    clock: systemClock,
    logger: createLogger('silent', { write: () => undefined }),
    metrics: createMetrics(false),
    timeoutMs: 5_000,
    probeIntervalMs: 100,
    check: () => Promise.resolve(),
    onReached: () => undefined,
    onFull: () => undefined,
  });
  onTestFinished(() => {
    link.close();
    client.disconnect();
    jobs.disconnect();
  });
  await link.open(5_000);
  const holding = holdAnswers(link);
  const store = createRedisSteeringStore({ client, link: holding.link, clock: systemClock, ...bounds });
  return { store, ...record(store), ...holding };
}

/** A link whose answers can be kept back, to be given in another order than that in which they came. */
function holdAnswers(link: RedisLink) {
  let held: (() => void)[] | undefined;
  async function run<T>(command: () => Promise<T>): Promise<T> {
    const answer = await link.run(command);
    await new Promise<void>((resolve) => (held === undefined ? resolve() : held.push(resolve)));
    return answer;
  }
  return {
    link: { ...link, run },
    hold: () => void (held ??= []),
    heldCount: () => held?.length ?? 0,
    /** Gives what is held, the last one first, and holds no more. */
    giveReversed() {
      const waiting = held ?? [];
      held = undefined;
      waiting.toReversed().forEach((give) => give());
    },
    /** Gives the last one, and goes on to hold. */
    giveLast: () => held?.pop()?.(),
  };
}

function rules(from: number, to: number) {
  return Array.from({ length: to - from }, (_, i) => sampleRule(`rule-${from + i}`));
}

async function putEach(store: SteeringStore, documents: ReturnType<typeof rules>): Promise<void> {
  for (const document of documents) {
    await store.put(byKey(document));
  }
}

/** The last order of each document, by its key. */
function ordersOf({ changes }: ReturnType<typeof record>): ReadonlyMap<string, number> {
  return new Map(changes.map(({ key, order }) => [key, order]));
}

/** How often Redis was sent a command since the last `CONFIG RESETSTAT`. */
async function callsOf(admin: Redis, command: string): Promise<number> {
  const stats = await admin.info('commandstats');
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
}

async function settingsIn(store: SteeringStore, seed: number): Promise<void> {
  await store.put(byKey(sampleSession(`session-${seed}`, seed)));
}

describe.skipIf(missingRedis !== undefined)('what testers set, in Redis', () => {
  describeSharing();
  describeLosses();
  describeCounts();
  describeUse();
});

function describeSharing(): void {
  test('is known to another process as soon as its refresh ends, in the same order', async () => {
    const { a, b, openOne } = await openStores();
    await a.store.put(byKey(...rules(0, 3)));
    await b.store.refresh();
    expect(b.there()).toEqual(rules(0, 3));
    await b.store.put(byKey(sampleRule('rule-3'), sampleSession('session-1', 1)));
    await b.store.remove([keyOf(sampleRule('rule-1'))]);
    await a.store.refresh();
    expect(a.there()).toEqual(b.there());
    // Made anew before the other has heard that it was gone.
    await a.store.remove([keyOf(sampleRule('rule-0'))]);
    await a.store.put(byKey(sampleRule('rule-0', 'session-1', 'new')));
    await b.store.refresh();
    const late = await openOne();
    await late.store.refresh();
    for (const { there } of [a, b, late]) {
      expect(there()).toEqual([
        sampleRule('rule-2'),
        sampleRule('rule-3'),
        sampleSession('session-1', 1),
        sampleRule('rule-0', 'session-1', 'new'),
      ]);
    }
    expect(ordersOf(b)).toEqual(ordersOf(a));
    for (const [key, order] of ordersOf(late)) {
      expect(ordersOf(a).get(key)).toBe(order);
    }
  });

  test('a rule that was made anew unnoticed is told as gone first', async () => {
    const { a, b } = await openStores();
    await a.store.put(byKey(sampleRule('rule-0')));
    await b.store.refresh();
    await a.store.remove([keyOf(sampleRule('rule-0'))]);
    await a.store.put(byKey(sampleRule('rule-0', 'session-1', 'new')));
    await b.store.refresh();
    expect(b.changes.map(({ document }) => document)).toEqual([
      sampleRule('rule-0'),
      undefined,
      sampleRule('rule-0', 'session-1', 'new'),
    ]);
  });

  test('no refresh misses what was put before it, however many are under way', async () => {
    const { a, b } = await openStores();
    for (let i = 0; i < 100; i += 1) {
      const early = Array.from({ length: 5 }, async () => b.store.refresh());
      const putting = a.store.put(byKey(sampleRule(`rule-${i}`)));
      const meanwhile = b.store.refresh();
      await putting;
      await b.store.refresh();
      expect(b.there()).toHaveLength(i + 1);
      await Promise.all([...early, meanwhile]);
    }
  });

  test('a refresh does not take the answer of one that was asked before a change', async () => {
    const { a, b } = await openStores();
    b.hold();
    const early = b.store.refresh();
    await expect.poll(b.heldCount).toBe(1);
    await a.store.put(byKey(sampleRule('rule-1')));
    const late = b.store.refresh();
    await expect.poll(b.heldCount).toBe(2);
    b.giveReversed();
    await late;
    expect(b.there()).toEqual([sampleRule('rule-1')]);
    await early;
    expect(b.there()).toEqual([sampleRule('rule-1')]);
  });

  test('what has changed is read once at a time, so that nothing older comes after it', async () => {
    const { a, b, admin } = await openStores();
    await a.store.put(byKey(sampleSession('session-1', 1)));
    b.hold();
    const early = b.store.refresh();
    await expect.poll(b.heldCount).toBe(1);
    b.giveLast();
    await expect.poll(b.heldCount).toBe(1);
    await a.store.put(byKey(sampleSession('session-1', 2)));
    const late = b.store.refresh();
    await expect.poll(b.heldCount).toBe(2);
    // The epoch; with it the change would be read, if the one before were not being read still.
    b.giveLast();
    for (let i = 0; i < 10; i += 1) {
      await admin.ping();
    }
    b.giveReversed();
    await Promise.all([early, late]);
    expect(b.there()).toEqual([sampleSession('session-1', 2)]);
    const orders = b.changes.map(({ order }) => order);
    expect(orders).toEqual(orders.toSorted((one, other) => one - other));
  });

  test('processes that write at once end with the same', async () => {
    const { a, b } = await openStores();
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const { store } = i % 2 === 0 ? a : b;
        await store.put(byKey(sampleRule(`rule-${i}`)));
        await (i % 3 === 0 ? store.remove([keyOf(sampleRule(`rule-${i}`))]) : store.refresh());
      }),
    );
    await Promise.all([a.store.refresh(), b.store.refresh()]);
    expect(a.there()).toHaveLength(133);
    expect(b.there()).toEqual(a.there());
  });

  test('costs one GET for all calls at a time while nothing changes', async () => {
    const { a, b, admin } = await openStores();
    await a.store.put(byKey(sampleRule('rule-1')));
    await b.store.refresh();
    await admin.config('RESETSTAT');
    await Promise.all(Array.from({ length: 100 }, async () => b.store.refresh()));
    expect(await callsOf(admin, 'get')).toBe(1);
    expect(await callsOf(admin, 'evalsha')).toBe(0);
    await b.store.refresh();
    expect(await callsOf(admin, 'get')).toBe(2);
    await a.store.put(byKey(sampleRule('rule-2')));
    await admin.config('RESETSTAT');
    await Promise.all(Array.from({ length: 100 }, async () => b.store.refresh()));
    expect(b.there()).toHaveLength(2);
    expect((await callsOf(admin, 'evalsha')) + (await callsOf(admin, 'eval'))).toBe(1);
  });

  test('removing what is not there changes nothing', async () => {
    const { a, b, admin } = await openStores();
    await settingsIn(a.store, 1);
    const before = await admin.get(steeringKeys.epoch);
    await b.store.remove([keyOf(sampleRule('rule-1'))]);
    expect(await admin.get(steeringKeys.epoch)).toBe(before);
    expect(b.there()).toEqual([sampleSession('session-1', 1)]);
  });

  test('a cluster has all of it on one node', async () => {
    const cluster = await startRedisCluster();
    const [a, b] = [await openStore(cluster.url, {}, true), await openStore(cluster.url, {}, true)];
    const ofSession = '{session}';
    await a.store.put(byKey(sampleRule('rule-1', ofSession), sampleSession(ofSession, 1)));
    await b.store.refresh();
    expect(b.there()).toEqual([sampleRule('rule-1', ofSession), sampleSession(ofSession, 1)]);
    const use = sampleUse({ sessionId: ofSession, times: 1, perReservation: true });
    expect(await a.store.fire(use)).toBe(true);
    expect(await b.store.fire(use)).toBe(false);
    expect(await b.store.occurrence(use)).toBe(0);
    a.store.noteUse(ofSession);
    expect(await b.store.lastUse(ofSession)).toBeDefined();
    await b.store.remove([...byKey(...a.there()).keys()]);
    await b.store.forgetCounts(ofSession, 'rule-1');
    await b.store.forgetCounts(ofSession);
    await a.store.refresh();
    expect(a.there()).toEqual([]);
    const left = await Promise.all(cluster.nodes.map(({ client }) => client.keys('*steering*')));
    expect(left.filter((keys) => keys.length > 0)).toHaveLength(1);
  }, 60_000);
}

function describeLosses(): void {
  test('who has missed more than is remembered reads all', async () => {
    const { a, b, admin } = await openStores({ maxChanges: 3 });
    await putEach(a.store, rules(0, 6));
    await b.store.refresh();
    await a.store.remove([keyOf(sampleRule('rule-1')), keyOf(sampleRule('rule-4'))]);
    await putEach(a.store, [...rules(6, 10), sampleRule('rule-4', 'session-1', 'new')]);
    expect(await admin.zcard(steeringKeys.changes)).toBe(3);
    const told = b.changes.length;
    await b.store.refresh();
    expect(b.there()).toEqual(a.there());
    // What it knew was not told again.
    const repeated = b.changes.slice(told).filter(({ key }) => key === keyOf(sampleRule('rule-0')));
    expect(repeated).toEqual([]);
    const orders = ordersOf(a);
    for (const document of b.there()) {
      expect(ordersOf(b).get(keyOf(document))).toBe(orders.get(keyOf(document)));
    }
  });

  test('a Redis that has lost all is believed', async () => {
    const { a, b, admin } = await openStores();
    await a.store.put(byKey(...rules(0, 3)));
    await b.store.refresh();
    await admin.flushall();
    await a.store.refresh();
    expect(a.there()).toEqual([]);
    // The other has not looked meanwhile.
    await a.store.put(byKey(sampleRule('rule-1'), sampleRule('rule-7')));
    await b.store.refresh();
    expect(b.there()).toEqual([sampleRule('rule-1'), sampleRule('rule-7')]);
    expect(a.there()).toEqual(b.there());
    const orders = b.changes.map(({ order }) => order);
    expect(Math.max(...orders)).toBe(orders.at(-1));
    await admin.flushall();
    await b.store.remove([keyOf(sampleRule('rule-1'))]);
    expect(b.there()).toEqual([]);
  });

  test('a Redis that has lost the last changes is believed, also when others have come since', async () => {
    const { a, b, admin } = await openStores();
    await putEach(a.store, rules(0, 3));
    await b.store.refresh();
    const lost = keyOf(sampleRule('rule-2'));
    const earlier = String(ordersOf(a).get(keyOf(sampleRule('rule-1'))));
    await admin.hdel(steeringKeys.documents, lost);
    await admin.zrem(steeringKeys.changes, lost);
    await admin.set(steeringKeys.epoch, earlier);
    await b.store.refresh();
    expect(b.there()).toEqual(rules(0, 2));
    await putEach(b.store, rules(3, 5));
    await a.store.refresh();
    expect(a.there()).toEqual([...rules(0, 2), ...rules(3, 5)]);
  });

  test('a Redis that has lost the last change of what is there is believed', async () => {
    const { a, b, admin } = await openStores();
    const key = keyOf(sampleSession('session-1', 1));
    await a.store.put(byKey(sampleSession('session-1', 1)));
    const before = (await admin.hget(steeringKeys.documents, key)) ?? '';
    const epoch = (await admin.get(steeringKeys.epoch)) ?? '';
    await a.store.put(byKey(sampleSession('session-1', 2)));
    await b.store.refresh();
    await admin.hset(steeringKeys.documents, key, before);
    await admin.zadd(steeringKeys.changes, epoch, key);
    await admin.set(steeringKeys.epoch, epoch);
    await b.store.refresh();
    expect(b.there()).toEqual([sampleSession('session-1', 1)]);
  });

  test('a full Redis takes nothing new, and lets go of what is there', async () => {
    const { a, b, admin } = await openStores();
    await a.store.put(byKey(...rules(0, 3)));
    const use = sampleUse({ perReservation: true, times: 1 });
    await a.store.fire(use);
    await admin.config('SET', 'maxmemory', '1');
    const full = { reason: { kind: 'state-full' } };
    await expect(a.store.put(byKey(sampleRule('rule-9')))).rejects.toMatchObject(full);
    await expect(Promise.resolve(a.store.fire(use))).rejects.toMatchObject(full);
    await b.store.refresh();
    expect(b.there()).toEqual(rules(0, 3));
    await b.store.remove(rules(0, 3).map(keyOf));
    await b.store.forgetCounts('session-1');
    await a.store.refresh();
    expect(a.there()).toEqual([]);
    expect(await a.store.matched('session-1')).toEqual(new Map());
  });

  test('without Redis everything says so, but for the note of a use', async () => {
    const { a, redis } = await openStores();
    await redis.stop();
    const unavailable = { reason: { kind: 'state-unavailable' } };
    const calls = [
      () => a.store.refresh(),
      () => a.store.put(byKey(sampleRule('rule-1'))),
      () => a.store.remove(['key']),
      async () => a.store.fire(sampleUse()),
      async () => a.store.occurrence(sampleUse()),
      () => a.store.matched('session-1'),
      () => a.store.forgetCounts('session-1'),
      () => a.store.lastUse('session-1'),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject(unavailable);
    }
    expect(a.store.noteUse('session-1')).toBeUndefined();
  });
}

function describeCounts(): void {
  test.each([{ perReservation: false }, { perReservation: true }])(
    'a rule applies so many times over all processes, %o',
    async ({ perReservation }) => {
      const { a, b } = await openStores();
      const use = sampleUse({ skip: 1, times: 2, perReservation });
      const fired = await Promise.all(
        Array.from({ length: 100 }, async (_, i) => (i % 2 === 0 ? a : b).store.fire(use)),
      );
      expect(fired.filter(Boolean)).toHaveLength(2);
      expect(await a.store.matched('session-1')).toEqual(new Map([['rule-1', 2]]));
      const draws = await Promise.all(
        Array.from({ length: 100 }, async (_, i) => (i % 2 === 0 ? a : b).store.occurrence(use)),
      );
      expect(new Set(draws).size).toBe(100);
    },
  );

  test('forgotten counts leave nothing behind', async () => {
    const { a, b, admin } = await openStores();
    const keys = async () => (await admin.keys(`${steeringKeys.epoch.split('}')[0]}}*`)).toSorted();
    const useAll = async (sessionId: string) => {
      for (const ruleId of ['rule-1', 'rule-2']) {
        const use = sampleUse({ sessionId, ruleId, perReservation: true });
        await a.store.fire(use);
        await b.store.occurrence(use);
      }
    };
    await useAll('session-1');
    const before = await keys();
    await useAll('session-2');
    expect(await keys()).toHaveLength(2 * before.length);
    await b.store.forgetCounts('session-2');
    expect(await keys()).toEqual(before);
    await a.store.forgetCounts('session-1', 'rule-1');
    expect(await keys()).toHaveLength(before.length - 2);
    await a.store.forgetCounts('session-1', 'rule-2');
    expect(await keys()).toEqual([]);
  });

  test('an ended session leaves nothing behind but what tells others of it', async () => {
    const { a, admin } = await openStores();
    await settingsIn(a.store, 1);
    await a.store.fire(sampleUse());
    await a.store.remove([keyOf(sampleSession('session-1', 1))]);
    await a.store.forgetCounts('session-1');
    expect((await admin.keys('*steering*')).toSorted()).toEqual(
      [steeringKeys.epoch, steeringKeys.changes].toSorted(),
    );
  });

  test('reservations beyond the bound begin anew', async () => {
    const { a, admin } = await openStores({ maxReservations: 2 });
    const draw = (reservationId: string) => a.store.occurrence(sampleUse({ reservationId }));
    expect([await draw('a'), await draw('b'), await draw('a'), await draw('b')]).toEqual([0, 0, 1, 1]);
    expect([await draw('c'), await draw('a'), await draw('c')]).toEqual([0, 0, 1]);
    expect(await admin.hlen(reservationsKey('draws', 'session-1', 'rule-1'))).toBe(2);
  });

  test('counts of reservations expire, and those of sessions, but of the global one only by being forgotten', async () => {
    const { a, admin } = await openStores();
    for (const sessionId of ['', 'session-1']) {
      const use = sampleUse({ sessionId, perReservation: true });
      await a.store.fire(use);
      await a.store.occurrence(use);
    }
    const lives = async (sessionId: string) => [
      await admin.pttl(reservationsKey('calls', sessionId, 'rule-1')),
      await admin.pttl(reservationsKey('draws', sessionId, 'rule-1')),
      await admin.pttl(countsKey(sessionId)),
    ];
    const day = 86_400_000;
    const inDays = (ms: number) => Math.ceil(ms / day);
    expect((await lives('session-1')).map(inDays)).toEqual([1, 1, 2]);
    expect((await lives('')).map(inDays).slice(0, 2)).toEqual([1, 1]);
    expect((await lives(''))[2]).toBe(-1);
    // A session that is in use keeps its counts, whether or not its rules apply to anything.
    await admin.pexpire(countsKey('session-1'), 60_000);
    a.store.noteUse('session-1');
    await expect.poll(async () => inDays(await admin.pttl(countsKey('session-1')))).toBe(2);
  });
}

function describeUse(): void {
  test('others know when a session was used last', async () => {
    const { a, b, admin } = await openStores();
    expect(await b.store.lastUse('session-1')).toBeUndefined();
    const beforeMs = Date.now();
    a.store.noteUse('session-1');
    await expect.poll(() => b.store.lastUse('session-1')).toBeGreaterThanOrEqual(beforeMs - 1_000);
    expect(await b.store.lastUse('session-1')).toBeLessThanOrEqual(Date.now());
    await admin.zadd(steeringKeys.used, Date.now() - 3_600_000, 'session-1', 1_000, 'session-2');
    expect(Date.now() - ((await b.store.lastUse('session-1')) ?? 0)).toBeGreaterThanOrEqual(3_599_000);
    // Those of sessions that ended long ago go with the next note.
    a.store.noteUse('session-3');
    await expect.poll(() => admin.zrange(steeringKeys.used, '0', '-1')).toEqual(['session-1', 'session-3']);
    await a.store.forgetCounts('session-1');
    expect(await b.store.lastUse('session-1')).toBeUndefined();
  });

  test('what is put is in use', async () => {
    const { a, b } = await openStores();
    const reset = { kind: 'reset', sessionId: 'session-2', scope: 'scope', untilMs: 1 } as const;
    await a.store.put(byKey(sampleSession('session-1', 1), reset));
    expect(await b.store.lastUse('session-1')).toBeDefined();
    expect(await b.store.lastUse('session-2')).toBeUndefined();
  });
}
