import { describe, expect, test } from 'vitest';
import { matchesAllCreates } from '../../src/simulator/match.ts';
import type { RuleUse, SteeringChange, SteeringDocument, SteeringStore } from '../../src/simulator/ports.ts';
import { keyOf } from '../../src/simulator/steering-state.ts';
import type { PortHarness } from './harness.ts';

/** What the suite asks for: an empty store of its own per test, closed when the test is finished. */
export type SteeringStoreFactory = () => Promise<PortHarness<SteeringStore>>;

/** A rule of a session. */
export function sampleRule(id: string, sessionId = 'session-1', label = ''): SteeringDocument {
  const counts = { times: 0, skip: 0, oneIn: 0, perReservation: false };
  return {
    kind: 'rule',
    sessionId,
    rule: { id, match: matchesAllCreates, behavior: {}, ...counts, label, source: 'api', drawText: id },
  };
}

/** A session's settings. */
export function sampleSession(sessionId: string, seed: number): SteeringDocument {
  return { kind: 'session', sessionId, settings: { seed } };
}

/** A call that fits a rule, which counts nothing unless the test says so. */
export function sampleUse(change: Partial<RuleUse> = {}): RuleUse {
  return {
    sessionId: 'session-1',
    ruleId: 'rule-1',
    reservationId: 'reservation-1',
    skip: 0,
    times: 0,
    perReservation: false,
    ...change,
  };
}

export function byKey(...documents: readonly SteeringDocument[]): ReadonlyMap<string, SteeringDocument> {
  return new Map(documents.map((document) => [keyOf(document), document]));
}

/** What the store tells, and what is there by that: the one that was put last is the last. */
export function record(store: SteeringStore) {
  const changes: SteeringChange[] = [];
  const documents = new Map<string, SteeringDocument>();
  store.onChange((change) => {
    changes.push(change);
    documents.delete(change.key);
    if (change.document !== undefined) {
      documents.set(change.key, change.document);
    }
  });
  return { changes, there: () => [...documents.values()] };
}

/** What a rule says to so many calls, one after the other. */
async function fireAll(store: SteeringStore, uses: readonly RuleUse[]): Promise<boolean[]> {
  const results: boolean[] = [];
  for (const use of uses) {
    results.push(await store.fire(use));
  }
  return results;
}

function times(count: number, use: RuleUse): RuleUse[] {
  return Array.from({ length: count }, () => use);
}

/** What every SteeringStore does. */
export function describeSteeringStore(name: string, open: SteeringStoreFactory): void {
  describe(`SteeringStore contract: ${name}`, () => {
    describeDocuments(open);
    describeFiring(open);
    describeAsking(open);
    describeForgetting(open);
  });
}

function describeDocuments(open: SteeringStoreFactory): void {
  test('what is put is told when that ends, whole and in its order', async () => {
    const { port: store } = await open();
    const { changes, there } = record(store);
    const reset: SteeringDocument = { kind: 'reset', sessionId: '*', scope: '범위 "1"\n', untilMs: 1 };
    await store.refresh();
    expect(changes).toEqual([]);
    await store.put(byKey(sampleRule('rule-b'), sampleRule('rule-a'), sampleSession('', 7)));
    await store.put(byKey(reset));
    expect(there()).toEqual([sampleRule('rule-b'), sampleRule('rule-a'), sampleSession('', 7), reset]);
    const orders = changes.map(({ order }) => order);
    expect(orders).toEqual(orders.toSorted((a, b) => a - b));
    expect(new Set(orders).size).toBe(orders.length);
    await store.refresh();
    expect(changes).toHaveLength(4);
  });

  test('what is put again is told again, with a greater order', async () => {
    const { port: store } = await open();
    const { changes, there } = record(store);
    await store.put(byKey(sampleSession('session-1', 1)));
    await store.put(byKey(sampleSession('session-2', 2)));
    await store.put(byKey(sampleSession('session-1', 3)));
    expect(there()).toEqual([sampleSession('session-2', 2), sampleSession('session-1', 3)]);
    expect(changes[2]?.order).toBeGreaterThan(changes[1]?.order ?? Infinity);
  });

  test('what is removed is gone when that ends, and can be put anew', async () => {
    const { port: store } = await open();
    const { there } = record(store);
    await store.put(byKey(sampleRule('rule-1'), sampleRule('rule-2')));
    await store.remove([keyOf(sampleRule('rule-1'))]);
    expect(there()).toEqual([sampleRule('rule-2')]);
    await store.put(byKey(sampleRule('rule-1', 'session-1', 'new')));
    expect(there()).toEqual([sampleRule('rule-2'), sampleRule('rule-1', 'session-1', 'new')]);
    await store.remove([]);
    await store.put(new Map());
    await store.remove([keyOf(sampleRule('rule-1')), keyOf(sampleRule('rule-2'))]);
    expect(there()).toEqual([]);
  });
}

function describeFiring(open: SteeringStoreFactory): void {
  test('a rule without bounds applies to every call, and counts them', async () => {
    const { port: store } = await open();
    expect(await fireAll(store, times(3, sampleUse()))).toEqual([true, true, true]);
    expect(await store.matched('session-1')).toEqual(new Map([['rule-1', 3]]));
    expect(await store.matched('session-2')).toEqual(new Map());
  });

  test('a rule applies after the first calls that it skips, and so many times', async () => {
    const { port: store } = await open();
    const use = sampleUse({ skip: 2, times: 2 });
    expect(await fireAll(store, times(6, use))).toEqual([false, false, true, true, false, false]);
    expect(await store.matched('session-1')).toEqual(new Map([['rule-1', 2]]));
    expect(await fireAll(store, times(3, sampleUse({ ruleId: 'rule-2', skip: 1 })))).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('sessions, rules and reservations are counted apart, whatever is in their names', async () => {
    const { port: store } = await open();
    const names = ['a', 'a:b', '{a}', '"a"', '', '__proto__', '예약'];
    const uses = names.flatMap((sessionId) =>
      names.flatMap((ruleId) =>
        names.map((reservationId) =>
          sampleUse({ sessionId, ruleId, reservationId, times: 1, perReservation: true }),
        ),
      ),
    );
    expect(new Set(await fireAll(store, uses))).toEqual(new Set([true]));
    expect(new Set(await fireAll(store, uses))).toEqual(new Set([false]));
    for (const sessionId of names) {
      expect(await store.matched(sessionId)).toEqual(new Map(names.map((id) => [id, names.length])));
    }
  });

  test('a rule that counts by reservation does so, and its matches together', async () => {
    const { port: store } = await open();
    const use = sampleUse({ skip: 1, times: 1, perReservation: true });
    const other = { ...use, reservationId: 'reservation-2' };
    expect(await fireAll(store, [use, other, use, other, use, other])).toEqual([
      false,
      false,
      true,
      true,
      false,
      false,
    ]);
    expect(await store.matched('session-1')).toEqual(new Map([['rule-1', 2]]));
  });

  test('draws of a reservation are numbered, apart from its calls', async () => {
    const { port: store } = await open();
    const use = sampleUse({ times: 1, perReservation: true });
    expect(await store.occurrence(use)).toBe(0);
    expect(await store.occurrence(use)).toBe(1);
    expect(await store.occurrence({ ...use, reservationId: 'reservation-2' })).toBe(0);
    expect(await store.occurrence({ ...use, sessionId: 'session-2' })).toBe(0);
    expect(await store.fire(use)).toBe(true);
    expect(await store.occurrence(use)).toBe(2);
  });

  test('calls at once are counted once each', async () => {
    const { port: store } = await open();
    const use = sampleUse({ skip: 3, times: 2 });
    const fired = await Promise.all(times(50, use).map(async (each) => store.fire(each)));
    expect(fired.filter(Boolean)).toHaveLength(2);
    const draws = await Promise.all(times(50, use).map(async (each) => store.occurrence(each)));
    expect(draws.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
}

function describeAsking(open: SteeringStoreFactory): void {
  test('who asks how often a rule was asked is told so, and counts nothing', async () => {
    const { port: store } = await open();
    const use = sampleUse({ times: 1 });
    const single = sampleUse({ ruleId: 'rule-2', times: 1, perReservation: true });
    const other = { ...single, reservationId: 'reservation-2' };
    expect(await store.asked(use)).toEqual({ seen: 0, draws: 0 });
    await fireAll(store, [use, use, single, single, other]);
    await store.occurrence(use);
    for (let look = 0; look < 2; look += 1) {
      expect(await store.asked(use)).toEqual({ seen: 2, draws: 1 });
      expect(await store.asked({ ...use, reservationId: 'reservation-2' })).toEqual({ seen: 2, draws: 0 });
      expect(await store.asked(single)).toEqual({ seen: 2, draws: 0 });
      expect(await store.asked(other)).toEqual({ seen: 1, draws: 0 });
      expect(await store.asked({ ...use, sessionId: 'session-2' })).toEqual({ seen: 0, draws: 0 });
    }
    expect(await store.occurrence(use)).toBe(1);
    await store.forgetCounts('session-1');
    expect(await store.asked(use)).toEqual({ seen: 0, draws: 0 });
  });
}

function describeForgetting(open: SteeringStoreFactory): void {
  async function openCounted() {
    const { port: store } = await open();
    const uses = ['session-1', 'session-2'].flatMap((sessionId) =>
      ['rule-1', 'rule-2'].flatMap((ruleId) => [
        sampleUse({ sessionId, ruleId, times: 1 }),
        sampleUse({ sessionId, ruleId, times: 1, perReservation: true }),
      ]),
    );
    const use = async () => {
      const draws: number[] = [];
      for (const each of uses) {
        draws.push(await store.occurrence(each));
      }
      return { fired: await fireAll(store, uses), draws };
    };
    expect(await use()).toEqual({ fired: uses.map(() => true), draws: uses.map((_, i) => i % 2) });
    return { store, use };
  }

  test('the counts of a rule are forgotten, those of the others stay', async () => {
    const { store, use } = await openCounted();
    await store.forgetCounts('session-1', 'rule-2');
    expect(await store.matched('session-1')).toEqual(new Map([['rule-1', 2]]));
    expect(await use()).toEqual({
      fired: [false, false, true, true, false, false, false, false],
      draws: [2, 3, 0, 1, 2, 3, 2, 3],
    });
  });

  test('the counts of a session are forgotten, those of the others stay', async () => {
    const { store, use } = await openCounted();
    await store.forgetCounts('session-2');
    expect(await store.matched('session-2')).toEqual(new Map());
    expect(await use()).toEqual({
      fired: [false, false, false, false, true, true, true, true],
      draws: [2, 3, 2, 3, 0, 1, 0, 1],
    });
  });

  test('what is not there is forgotten without ado', async () => {
    const { port: store } = await open();
    await store.forgetCounts('session-1');
    await store.forgetCounts('session-1', 'rule-1');
    expect(await store.matched('session-1')).toEqual(new Map());
    expect(await store.lastUse('session-1')).toBeUndefined();
  });
}
