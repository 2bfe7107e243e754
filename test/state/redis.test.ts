import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { beginRefund } from '../../src/payment/lifecycle.ts';
import { isSettled, type Payment } from '../../src/payment/payment.ts';
import { createdEntry } from '../../src/simulator/journal/entry.ts';
import type { AttemptLog } from '../../src/delivery/ports.ts';
import { noLimits } from '../../src/simulator/journal/journal.ts';
import type { JournalStore } from '../../src/simulator/journal/ports.ts';
import type { State } from '../../src/state/state.ts';
import {
  launchRedisServer,
  missingRedis,
  requireRedisInCi,
  type RedisServer,
} from '../support/redis-server.ts';
import { openRedisState, type RedisStateChange } from '../support/redis-state.ts';
import { refundALittle, samplePayment, sampleRefund } from '../support/sample-payment.ts';
import { describeAttemptLog } from './attempt-log.contract.ts';
import { describeDeliveryQueue } from './delivery-queue.contract.ts';
import type { PortHarness } from './harness.ts';
import { describeIdempotencyStore } from './idempotency-store.contract.ts';
import { expectNoIndex } from './payment-list.contract.ts';
import { expectNoRemoval } from './payment-removal.contract.ts';
import { describePayments } from './payments.contract.ts';
import { startRecording } from './recorded-payments.ts';
import { describeJournalStore } from './journal-store.contract.ts';
import { describeSteeringStore } from './steering-store.contract.ts';

requireRedisInCi();

/** More than there are tests: each has a database of its own. */
const databases = 200;

let redis: RedisServer;
let nextDatabase = 0;

function newDatabase(): number {
  nextDatabase += 1;
  return nextDatabase;
}

/** Closed when the test is finished. */
async function openState(database: number, change: RedisStateChange = {}): Promise<State> {
  const state = await openRedisState(`${redis.url}/${database}`, change);
  onTestFinished(() => state.close());
  return state;
}

async function harness<T>(
  pick: (state: State) => T,
  change: RedisStateChange = {},
  database = newDatabase(),
): Promise<PortHarness<T>> {
  return {
    port: pick(await openState(database, change)),
    now: () => Date.now(),
    // What is due with the time may need a little more: at most what a busy machine takes.
    passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 50)),
    outlivesProcess: true,
  };
}

function attemptLogOf({ attemptLog }: State): AttemptLog {
  if (attemptLog === undefined) {
    throw new Error('Redis keeps an attempt log');
  }
  return attemptLog;
}

function journalOf({ journal }: State): JournalStore {
  if (journal === undefined) {
    throw new Error('there is a journal where it has bytes');
  }
  return journal;
}

describe.skipIf(missingRedis !== undefined)('with a Redis', () => {
  beforeAll(async () => {
    redis = await launchRedisServer({ args: ['--databases', String(databases)] });
  });
  afterAll(() => redis.stop());

  const unbounded = { isBounded: false };
  describePayments(
    'Redis',
    ({ ttlMs }) => harness(({ payments }) => payments, { paymentTtlMs: ttlMs }),
    unbounded,
  );
  describeIdempotencyStore('Redis', ({ ttlMs }) =>
    harness((state) => state.idempotency, { idempotencyTtlMs: ttlMs }),
  );
  describeDeliveryQueue('Redis', () => harness((state) => state.webhookQueue), unbounded);
  describeAttemptLog('Redis', ({ ttlMs, maxAttempts }) =>
    harness(attemptLogOf, { paymentTtlMs: ttlMs, webhookMaxAttempts: maxAttempts }),
  );
  describeSteeringStore('Redis', () => harness((state) => state.steering));
  describeJournalStore('Redis', ({ maxBytes }) => harness(journalOf, { journalBytes: maxBytes }));
  describeJournal();

  describeIndex();
  describeReplicas();
});

const newest = { filter: {}, from: undefined, skip: 0, limit: 1_000 };

function describeIndex(): void {
  test('without an index there is no list, and the rest is as it was', async () => {
    const { payments, register } = await startRecording(() =>
      harness((state) => state.payments, { indexed: false }),
    );
    await register();
    await expectNoIndex(payments);
    await expectNoRemoval(payments);
    expect((await payments.hasten('pay-1'))?.changed).toBe(true);
    expect(await keysOf(nextDatabase, '*:payments')).toEqual([]);
  });

  test('the index forgets payments whose time to live is over, while others come', async () => {
    const { payments, register, announced, passTime } = await startRecording(() =>
      harness((state) => state.payments, { paymentTtlMs: 500 }),
    );
    const gone = Array.from({ length: 200 }, (_, i) => `pay-gone-${i}`);
    await Promise.all(gone.map((id) => register({ id })));
    expect(await payments.list(newest)).toMatchObject({ totalCount: 200 });
    await Promise.all(gone.map((id) => payments.hasten(id)));
    await expect.poll(() => announced.length).toBe(200);
    await passTime(500);
    expect(await payments.list(newest)).toMatchObject({ totalCount: 0, payments: [] });
    // Each new one looks at three.
    await Promise.all(Array.from({ length: 400 }, (_, i) => register({ id: `pay-${i}` })));
    expect(await payments.list(newest)).toMatchObject({ totalCount: 400 });
    expect(await indexSize(nextDatabase)).toBeLessThan(450);
  });

  test('a payment that is registered again keeps its place in the index', async () => {
    const { register } = await startRecording(() => harness((state) => state.payments));
    await register({ createdAtMs: 1_000 });
    await register({ createdAtMs: 9_000 });
    const scores = await withClient(nextDatabase, async (client) =>
      Promise.all(
        (await client.keys('*:payments')).map((key) => client.zrange(key, '0', '-1', 'WITHSCORES')),
      ),
    );
    expect(scores).toEqual([['pay-1', '1000']]);
  });
}

async function withClient<T>(database: number, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(`${redis.url}/${database}`);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

function keysOf(database: number, pattern: string): Promise<string[]> {
  return withClient(database, (client) => client.keys(pattern));
}

function indexSize(database: number): Promise<number> {
  return withClient(database, async (client) => {
    const sizes = await Promise.all((await client.keys('*:payments')).map((key) => client.zcard(key)));
    return sizes.reduce((sum, size) => sum + size, 0);
  });
}

function refundStatus(payment: Payment | undefined): string | undefined {
  return payment !== undefined && isSettled(payment) ? payment.aftermath?.refunds[0]?.status : undefined;
}

function describeReplicas(): void {
  test('a refund that one process has begun is ended by the next', async () => {
    const database = newDatabase();
    const open = () => harness((state) => state.payments, {}, database);
    const one = await startRecording(open);
    await one.register({ extras: { refundPlan: { delayMs: 1, failureCode: 'expired_card' } } });
    await one.payments.hasten('pay-1');
    await expect.poll(() => one.announced.length).toBe(1);
    const dueAtMs = one.now() + 500;
    await one.payments.transition('pay-1', (payment) =>
      isSettled(payment) ? beginRefund(payment, sampleRefund({ status: 'PENDING' }), dueAtMs) : undefined,
    );
    await one.payments.drain(0);
    const other = await startRecording(open);
    await expect
      .poll(async () => refundStatus(await other.payments.get('pay-1')), { timeout: 20_000 })
      .toBe('FAILED');
    await expect.poll(() => other.announced.map(({ event }) => event.sequence)).toEqual([2]);
    expect(one.announced).toHaveLength(1);
  }, 30_000);

  test('a payment that is removed while its job is at it is not looked for for ever', async () => {
    const gate = Promise.withResolvers<void>();
    const { payments, register, announced, failures } = await startRecording(
      () => harness((state) => state.payments),
      { ttlMs: 60_000, maxPayments: 10 },
      () => gate.promise,
    );
    await register({ dueAtMs: Date.now() });
    await expect.poll(() => announced.length).toBe(1);
    expect(await payments.remove({})).toBe(1);
    expect(await payments.get('pay-1')).toBeUndefined();
    expect(await payments.scheduled()).toBe(0);
    const jobs = () => keysOf(nextDatabase, '*:settlements:b*');
    expect(await jobs()).not.toEqual([]);
    gate.reject(new Error('cannot announce'));
    await expect.poll(jobs, { timeout: 20_000 }).toEqual([]);
    expect(announced).toHaveLength(1);
    expect(failures).toEqual([new Error('cannot announce')]);
    expect(await keysOf(nextDatabase, '*pay-1*')).toEqual([]);
  }, 30_000);

  test('two processes that remove the same count each payment once', async () => {
    const database = newDatabase();
    const open = () => harness((state) => state.payments, {}, database);
    const [one, other] = [await startRecording(open), await startRecording(open)];
    await Promise.all(Array.from({ length: 500 }, (_, i) => one.register({ id: `pay-${i}` })));
    const removed = await Promise.all([one.payments.remove({}), other.payments.remove({})]);
    expect(removed[0] + removed[1]).toBe(500);
    expect(await one.payments.scheduled()).toBe(0);
    expect(await keysOf(database, '*pay-*')).toEqual([]);
    expect(await keysOf(database, '*:payments')).toEqual([]);
  });

  test('events of a payment are announced in their order by whichever process', async () => {
    const database = newDatabase();
    const log: string[] = [];
    const startOne = (name: string) =>
      startRecording(
        () => harness((state) => state.payments, {}, database),
        { ttlMs: 60_000, maxPayments: 10 },
        async ({ payment, sequence }) => {
          log.push(`${payment.id} ${sequence} begun`);
          await new Promise((resolve) => setImmediate(resolve));
          log.push(`${payment.id} ${sequence} ended`);
        },
      ).then((recording) => ({ name, ...recording }));
    const replicas = [await startOne('a'), await startOne('b'), await startOne('c')];
    const at = (nth: number) => replicas[nth % replicas.length] ?? replicas[0];
    const ids = Array.from({ length: 30 }, (_, i) => `pay-${i}`);
    await Promise.all(
      ids.map(async (id, i) => {
        await at(i)?.payments.register(samplePayment({ id, dueAtMs: Date.now() + 60_000 }));
        await at(i + 1)?.payments.hasten(id);
        for (const nth of [2, 3, 4]) {
          const eventId = `evt-${id}-${nth}`;
          await at(i + nth)?.payments.transition(id, (payment) =>
            isSettled(payment) ? refundALittle(payment, eventId, Date.now()) : undefined,
          );
        }
      }),
    );
    await expect
      .poll(() => log.filter((line) => line.endsWith('ended')).length, { timeout: 30_000 })
      .toBe(120);
    for (const id of ids) {
      expect(log.filter((line) => line.startsWith(`${id} `))).toEqual(
        [1, 2, 3, 4].flatMap((sequence) => [`${id} ${sequence} begun`, `${id} ${sequence} ended`]),
      );
    }
    // Each has had a part of them.
    expect(replicas.filter(({ announced }) => announced.length > 0).length).toBeGreaterThan(1);
  }, 60_000);
}

const large = { journalBytes: 33_554_432 };

function noteOf(paymentId: string) {
  return createdEntry(samplePayment({ id: paymentId }), 1);
}

function idsIn({ journal }: JournalStore): readonly string[] {
  return journal.read(1, () => true, noLimits).entries.map(({ entry }) => entry.paymentId);
}

function describeJournal() {
  describe('the journal of several replicas', () => {
    test('is one, in one order for all, with each entry once', async () => {
      const database = newDatabase();
      const [one, two, reader] = await Promise.all(
        Array.from({ length: 3 }, async () => journalOf(await openState(database, large))),
      );
      const noted = 2_000;
      for (let i = 0; i < noted; i += 1) {
        one?.append(noteOf(`one-${i}`));
        two?.append(noteOf(`two-${i}`));
        if (i % 100 === 0) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      await Promise.all([one?.written(), two?.written()]);
      await Promise.all([one?.refresh(), reader?.refresh()]);
      const ids = reader === undefined ? [] : idsIn(reader);
      expect(new Set(ids).size).toBe(2 * noted);
      expect(ids).toHaveLength(2 * noted);
      expect(one && idsIn(one)).toEqual(ids);
      for (const who of ['one', 'two']) {
        const own = ids.filter((id) => id.startsWith(who));
        expect(own).toEqual(Array.from({ length: noted }, (_, i) => `${who}-${i}`));
      }
    });

    test('begins anew, as another one, when Redis has lost it', async () => {
      const database = newDatabase();
      const store = journalOf(await openState(database, large));
      store.append(noteOf('before'));
      await store.refresh();
      const { life } = store.journal;
      const before = life();
      const client = new Redis(`${redis.url}/${database}`);
      onTestFinished(() => client.disconnect());
      await client.flushdb();
      store.append(noteOf('after'));
      await store.refresh();
      expect(life()).toBeGreaterThan(before);
      expect(idsIn(store)).toEqual(['after']);
    });

    test('passes over what another release has noted in a form of its own', async () => {
      const database = newDatabase();
      const store = journalOf(await openState(database, large));
      store.append(noteOf('first'));
      await store.refresh();
      const client = new Redis(`${redis.url}/${database}`);
      onTestFinished(() => client.disconnect());
      const [stream, about] = ['{payment-sim:journal}:entries', '{payment-sim:journal}:about'];
      const next = await client.hincrby(about, 'next', 1);
      await client.xadd(stream, `${store.journal.life()}-${next - 1}`, 'entry', '{"form":99,"kind":"dream"}');
      store.append(noteOf('last'));
      await store.refresh();
      expect(idsIn(store)).toEqual(['first', 'last']);
      expect(store.journal.next()).toBe(4);
    });

    test('takes no more of Redis than it may', async () => {
      const database = newDatabase();
      const store = journalOf(await openState(database, { journalBytes: 1_048_576 }));
      for (let i = 0; i < 10_000; i += 1) {
        store.append(noteOf(`pay-${i}`));
        if (i % 500 === 0) {
          await store.written();
        }
      }
      await store.written();
      const client = new Redis(`${redis.url}/${database}`);
      onTestFinished(() => client.disconnect());
      const kept = await client.xrange('{payment-sim:journal}:entries', '-', '+');
      const bytes = kept.reduce((sum, [, [, value = '']]) => sum + Buffer.byteLength(value), 0);
      expect(bytes).toBeLessThanOrEqual(1_048_576);
      expect(bytes).toBeGreaterThan(900_000);
      expect(Number(await client.hget('{payment-sim:journal}:about', 'bytes'))).toBe(bytes);
    });
  });
}
