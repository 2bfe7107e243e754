import { createHash, randomUUID } from 'node:crypto';
import { createIORedisClient, type IRedisClient } from 'bullmq';
import type { MachineClock } from '../../base/clock.ts';
import { PaymentError } from '../../payment/errors.ts';
import type { IdempotencyStore, IdempotentCall, IdempotentResult } from '../../payment/ports.ts';
import type { RedisClient } from './redis-clients.ts';
import { RedisFaultError } from './redis-error.ts';
import { idempotencyKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript, type ScriptName } from './redis-scripts.ts';

/** What the store works with; times in milliseconds. */
interface RedisIdempotencyStoreDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly clock: MachineClock;
  /** Keys are forgotten this long after their call has ended. */
  readonly ttlMs: number;
  /**
   * A call that has not ended after this long is taken for dead, and the next one takes it over. Of a process
   * that lives, by then or earlier: it knows which calls of its own have failed.
   */
  readonly leaseMs: number;
}

interface Store extends RedisIdempotencyStoreDeps {
  readonly commands: IRedisClient;
  /** How the tokens of this process begin; different in each. */
  readonly tokenStart: string;
  /** How many reservations this process has tried; makes their tokens different. */
  calls: number;
  /** Calls of this process under way, by key and fingerprint: duplicates wait for them, and share their failure. */
  readonly running: Map<string, Promise<IdempotentResult>>;
}

/** Who asks for which key; the token proves later that the reservation is still the caller's. */
interface Claim {
  readonly key: string;
  readonly token: string;
}

type Reservation = readonly [state: 'owned' | 'taken over' | 'busy' | 'done' | 'mismatch', value: string];

/** Waits between looks at a call that runs in another process; doubled from one to the next. */
const firstWaitMs = 5;
const maxWaitMs = 100;
/** How long to wait beyond a lease, in milliseconds; when it has ended somebody else may have been faster. */
const takeoverMs = 500;

/** Idempotency keys in Redis. */
export function createRedisIdempotencyStore(deps: RedisIdempotencyStoreDeps): IdempotencyStore {
  const self: Store = {
    ...deps,
    commands: createIORedisClient(deps.client),
    tokenStart: `${randomUUID()}:`,
    calls: 0,
    running: new Map(),
  };
  return {
    once: (call, propose, run) => once(self, call, propose, run),
    close: () => Promise.resolve(),
  };
}

async function once(
  self: Store,
  call: IdempotentCall,
  propose: () => string,
  run: (value: string) => Promise<unknown>,
): Promise<IdempotentResult> {
  const { running } = self;
  const key = idempotencyKey(createHash('sha256').update(call.key).digest('base64url'));
  const mark = `${key} ${call.fingerprint}`;
  const known = running.get(mark);
  if (known !== undefined) {
    const ended = await known;
    return ended.outcome === 'executed' ? { outcome: 'replayed', value: ended.value } : ended;
  }
  const result = onceOfAll(self, key, call, propose, run);
  running.set(mark, result);
  try {
    return await result;
  } finally {
    running.delete(mark);
  }
}

/** Once among all processes; `once` keeps duplicates of this process away. */
async function onceOfAll(
  self: Store,
  key: string,
  call: IdempotentCall,
  propose: () => string,
  run: (value: string) => Promise<unknown>,
): Promise<IdempotentResult> {
  self.calls += 1;
  const claim: Claim = { key, token: `${self.tokenStart}${self.calls}` };
  const [state, value] = await reserve(self, claim, call.fingerprint, propose());
  switch (state) {
    case 'owned':
    case 'taken over':
      await execute(self, claim, state === 'taken over', () => run(value));
      return { outcome: 'executed', value };
    case 'mismatch':
      return { outcome: 'mismatch' };
    case 'done':
    case 'busy':
      return { outcome: 'replayed', value };
  }
}

/** Reserves the key, or waits for the end of the call that has reserved it. */
async function reserve(
  self: Store,
  claim: Claim,
  fingerprint: string,
  proposed: string,
): Promise<Reservation> {
  const { clock, leaseMs, ttlMs, tokenStart } = self;
  const values = [fingerprint, proposed, claim.token, leaseMs, ttlMs, tokenStart];
  const giveUpAtMs = clock.monotonic() + leaseMs + takeoverMs;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
    const reservation = await script<Reservation>(self, 'paymentSimReserve', claim.key, values);
    if (reservation[0] !== 'busy') {
      return reservation;
    }
    if (clock.monotonic() > giveUpAtMs) {
      throw new PaymentError({
        kind: 'state-unavailable',
        detail: 'still holds this idempotency_key for another call',
      });
    }
    await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
  }
}

/**
 * Runs what the key was reserved for, and ends the reservation according to how that ended.
 *
 * @param isAgain whether a call before this one may have done it.
 */
async function execute(
  self: Store,
  { key, token }: Claim,
  isAgain: boolean,
  run: () => Promise<unknown>,
): Promise<void> {
  try {
    await run();
  } catch (error) {
    // What may have been carried out, now or by the call before, keeps its key and value, so that the next call
    // repeats the same, which changes nothing if it was. The outcome of this script does not matter: without
    // it the lease expires, or this process knows that the reservation is its own.
    const name = isAgain || isUnknown(error) ? 'paymentSimYield' : 'paymentSimRelease';
    await script(self, name, key, [token]).catch(() => undefined);
    throw error;
  }
  await script(self, 'paymentSimComplete', key, [token, self.ttlMs]);
}

/** Whether it may have been carried out what failed like that. */
function isUnknown(error: unknown): boolean {
  return (
    error instanceof RedisFaultError ||
    (error instanceof PaymentError && error.reason.kind === 'state-unavailable')
  );
}

function script<Answer>(
  { link, commands }: Store,
  name: ScriptName,
  key: string,
  values: readonly (string | number)[],
): Promise<Answer> {
  return link.run(() => runScript(commands, name, [key], values));
}
