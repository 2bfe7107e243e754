import { createHash, randomUUID } from 'node:crypto';
import { createIORedisClient, type IRedisClient } from 'bullmq';
import type { Clock } from '../../base/clock.ts';
import { PaymentError } from '../../payment/errors.ts';
import type { IdempotencyStore, IdempotentCall, IdempotentResult } from '../ports.ts';
import type { RedisClient } from './redis-clients.ts';
import { idempotencyKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript, type ScriptName } from './redis-scripts.ts';

/** What the store works with; times in milliseconds. */
export interface RedisIdempotencyStoreDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly clock: Clock;
  /** Keys are forgotten this long after their call has ended. */
  readonly ttlMs: number;
  /** A call that has not ended after this long is taken for dead, and the next one takes it over. */
  readonly leaseMs: number;
}

type Reservation = readonly [state: 'owned' | 'busy' | 'done' | 'mismatch', value: string];

/** Waits between looks at a call that runs in another process. */
const firstWaitMs = 5;
const maxWaitMs = 100;

/** Idempotency keys in Redis. */
export function createRedisIdempotencyStore(deps: RedisIdempotencyStoreDeps): IdempotencyStore {
  const { client, link, clock } = deps;
  const commands: IRedisClient = createIORedisClient(client);
  const processToken = randomUUID();
  let calls = 0;
  /** What runs here: duplicates in this process wait for it, and share its failure. */
  const running = new Map<string, Promise<IdempotentResult>>();

  function script<Answer>(
    name: ScriptName,
    key: string,
    values: readonly (string | number)[],
  ): Promise<Answer> {
    return link.run(() => runScript(commands, name, [key], values));
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => clock.setTimer(ms, resolve));
  }

  /** Reserves the key for `token`, or waits for whoever has. */
  async function reserve(
    key: string,
    token: string,
    call: IdempotentCall,
    propose: () => string,
  ): Promise<Reservation> {
    const values = [call.fingerprint, propose(), token, deps.leaseMs, deps.ttlMs];
    const giveUpAtMs = clock.now() + 2 * deps.leaseMs;
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
      const reservation = await script<Reservation>('paymentSimReserve', key, values);
      if (reservation[0] !== 'busy') {
        return reservation;
      }
      if (clock.now() > giveUpAtMs) {
        throw new PaymentError({
          kind: 'state-unavailable',
          detail: 'another call with the same idempotency_key has not ended yet',
        });
      }
      await pause(waitMs);
    }
  }

  async function execute(
    key: string,
    token: string,
    value: string,
    run: (value: string) => Promise<unknown>,
  ): Promise<string> {
    try {
      await run(value);
    } catch (error) {
      // When it is not known whether it was done, the key keeps its value: the next call does the same
      // again, which changes nothing if it was. Nothing depends on this: leases end by themselves.
      const isUnknown = error instanceof PaymentError && error.reason.kind === 'state-unavailable';
      const left = script(isUnknown ? 'paymentSimYield' : 'paymentSimRelease', key, [token]);
      await left.catch(() => undefined);
      throw error;
    }
    await script('paymentSimComplete', key, [token, deps.ttlMs]);
    return value;
  }

  async function once(
    key: string,
    call: IdempotentCall,
    propose: () => string,
    run: (value: string) => Promise<unknown>,
  ): Promise<IdempotentResult> {
    calls += 1;
    const token = `${processToken}:${calls}`;
    const [state, value] = await reserve(key, token, call, propose);
    switch (state) {
      case 'owned':
        return { outcome: 'executed', value: await execute(key, token, value, run) };
      case 'mismatch':
        return { outcome: 'mismatch' };
      case 'done':
      case 'busy':
        return { outcome: 'replayed', value };
    }
  }

  return {
    async once(call, propose, run) {
      const key = idempotencyKey(createHash('sha256').update(call.key).digest('base64url'));
      const mark = `${key} ${call.fingerprint}`;
      const known = running.get(mark);
      if (known !== undefined) {
        const ended = await known;
        return ended.outcome === 'executed' ? { outcome: 'replayed', value: ended.value } : ended;
      }
      const result = once(key, call, propose, run);
      running.set(mark, result);
      try {
        return await result;
      } finally {
        running.delete(mark);
      }
    },

    close: () => Promise.resolve(),
  };
}
