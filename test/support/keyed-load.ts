import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { intentMessage } from '../system/connect-json.ts';
import type { Cluster } from './cluster.ts';
import type { Outcomes } from './outcomes.ts';

/** Creates with a key each, repeated with it until they are answered, as a careful caller does. */
export interface KeyedLoad {
  /** The ids that each key was answered with: one, when all is well. The keys are the reservations too. */
  readonly ids: ReadonlyMap<string, ReadonlySet<string>>;
  /** How many calls were answered UNAVAILABLE, and repeated. */
  repeated(): number;
  /** From its first call to its answer, of the create that took longest, in milliseconds. */
  longestMs(): number;
  /** Begins no more, and resolves when all that have begun are answered. @throws the first error of a call. */
  stop(): Promise<void>;
}

/** What is created. */
export interface KeyedLoadOptions {
  readonly perSecond: number;
  readonly message: (nth: number) => Readonly<Record<string, unknown>>;
  /** Whether replicas are killed meanwhile: a call without an answer is repeated then. */
  readonly isKilled?: boolean;
}

/** Payments of which a third fail, due at different times within `longestDelayMs` (milliseconds). */
export function mixedPayments({ webhookUrl }: Outcomes, longestDelayMs: number): KeyedLoadOptions['message'] {
  return (nth) => ({
    webhook_url: webhookUrl,
    scenario: nth % 3 === 0 ? 'PAYMENT_SCENARIO_FAIL' : 'PAYMENT_SCENARIO_APPROVE',
    simulation: { delay_ms: (nth * 7_919) % longestDelayMs },
  });
}

/** A call without an answer for so long hangs. */
const hangingMs = 10_000;
/** A create that is not answered by then, however often it is repeated, is none that a caller waits for. */
const patienceMs = 30_000;
const backOffMs = 50;
const callsAtATime = 32;

/** Begins so many creates a second, whether those before are answered or not. */
export function startKeyedLoad(cluster: Cluster, options: KeyedLoadOptions): KeyedLoad {
  const ids = new Map<string, Set<string>>();
  const calls: Promise<void>[] = [];
  const end = new AbortController();
  let [repeated, longestMs] = [0, 0];

  async function create(nth: number): Promise<void> {
    const key = keyOf(nth);
    const startedAtMs = performance.now();
    let id: string | undefined;
    for (let tries = 0; id === undefined; tries += 1) {
      if (tries > 0) {
        repeated += 1;
        await delay(backOffMs);
      }
      expect(performance.now() - startedAtMs, `${key} has no answer`).toBeLessThan(patienceMs);
      const call = createOnce(cluster, nth + tries, { ...options.message(nth), ...withKey(key) });
      id = await (options.isKilled === true ? call.catch(noAnswer) : call);
    }
    longestMs = Math.max(longestMs, performance.now() - startedAtMs);
    ids.set(key, (ids.get(key) ?? new Set()).add(id));
  }

  const running = (async () => {
    const startedAtMs = performance.now();
    while (!end.signal.aborted) {
      const due = ((performance.now() - startedAtMs) / 1_000) * options.perSecond;
      while (calls.length < due) {
        const call = create(calls.length);
        // `stop` tells of it.
        call.catch(() => undefined);
        calls.push(call);
      }
      await delay(5);
    }
    await Promise.all(calls);
  })();
  running.catch(() => undefined);
  return {
    ids,
    repeated: () => repeated,
    longestMs: () => Math.round(longestMs),
    async stop() {
      end.abort();
      await running;
    },
  };
}

/** A call that got no answer; one that got another than is to be expected is an error still. */
function noAnswer(error: unknown): undefined {
  if (error instanceof Error && error.name === 'AssertionError') {
    throw error;
  }
}

/** The one id of each key. */
export function idsOf({ ids }: KeyedLoad): string[] {
  return [...ids.values()].map((some) => [...some][0] ?? '');
}

/** Checks that no key has a second payment, neither for who asks again nor among those that were told of. */
export async function checkOnePerKey(
  cluster: Cluster,
  load: KeyedLoad,
  { message }: KeyedLoadOptions,
  outcomes: Outcomes,
): Promise<void> {
  const told = new Map<string, Set<string>>();
  for (const [id, { reservationId }] of outcomes.received) {
    told.set(reservationId, (told.get(reservationId) ?? new Set()).add(id));
  }
  expect([...told].filter(([, some]) => some.size > 1)).toEqual([]);
  const others: unknown[] = [];
  const left = load.ids.entries();
  async function ask(): Promise<void> {
    for (const [key, [known]] of left) {
      const nth = nthOf(key);
      const again = await createOnce(cluster, nth + 1, { ...message(nth), ...withKey(key) });
      if (again !== known) {
        others.push({ key, known, again });
      }
    }
  }
  await Promise.all(Array.from({ length: callsAtATime }, ask));
  expect(others).toEqual([]);
}

const keyOf = (nth: number) => `key-${nth}`;
const nthOf = (key: string) => Number(key.slice('key-'.length));
const withKey = (key: string) => ({ idempotency_key: key, reservation_id: key });

/** The id, or undefined when the answer was UNAVAILABLE. @throws for any other answer. */
async function createOnce(
  { replicas }: Cluster,
  turn: number,
  change: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const replica = replicas[turn % replicas.length];
  const hanging = delay(hangingMs, undefined, { ref: false });
  const answer = await Promise.race([replica?.call('CreatePaymentIntent', intentMessage(change)), hanging]);
  const text = answer === undefined ? `no answer in ${hangingMs} ms` : JSON.stringify(answer);
  if (answer?.body['code'] === 'unavailable') {
    return undefined;
  }
  expect(answer?.httpStatus, text).toBe(200);
  return String(answer?.body['payment_intent_id']);
}
