import type { SimClock } from '../../base/clock.ts';
import type { IdempotencyStore } from '../../payment/ports.ts';
import { Fifo } from '../../base/fifo.ts';
import { bytesOfText, maxBytesOfOthers, type MemoryBudget, unlimitedBudget } from './memory-budget.ts';

/** How long and how many keys to remember. */
interface MemoryIdempotencyStoreOptions {
  readonly clock: SimClock;
  /** Keys are forgotten this long after their call has ended, in milliseconds. */
  readonly ttlMs: number;
  /** Beyond this many keys the oldest is forgotten early, but never one whose call still runs. */
  readonly maxKeys: number;
  /** What they take counts in here; the oldest are forgotten early beyond their share of it, too. */
  readonly budget?: MemoryBudget;
}

interface IdempotencyRecord {
  readonly fingerprint: string;
  /** Pending while the first call runs, so that concurrent ones wait for it. */
  readonly value: Promise<string>;
}

interface Expiry {
  readonly key: string;
  readonly atMs: number;
}

/** A key with its fingerprint, in the map and in the order of expiry, without their texts; in bytes. */
const keyBytes = 450;

/** Idempotency keys in this process's memory. */
export function createMemoryIdempotencyStore(options: MemoryIdempotencyStoreOptions): IdempotencyStore {
  const { clock, ttlMs, maxKeys, budget = unlimitedBudget() } = options;
  const maxBytes = maxBytesOfOthers(budget);
  let usedBytes = 0;
  const records = new Map<string, IdempotencyRecord>();
  /**
   * One entry per key whose call has ended well, and only those: a key that was freed by a failure
   * leaves nothing behind, and a call that still runs cannot be forgotten.
   */
  const oldestFirst = new Fifo<Expiry>();

  function forgetExpired(): void {
    for (
      let oldest = oldestFirst.peek();
      oldest !== undefined && oldest.atMs <= clock.now();
      oldest = oldestFirst.peek()
    ) {
      forgetOldest();
    }
  }

  function forgetOldest(): void {
    const oldest = oldestFirst.shift();
    if (oldest !== undefined) {
      forget(oldest.key);
    }
  }

  function remember(key: string, record: IdempotencyRecord): void {
    records.set(key, record);
    count(bytesOf(key, record.fingerprint));
  }

  function forget(key: string): void {
    const record = records.get(key);
    if (record !== undefined) {
      records.delete(key);
      count(-bytesOf(key, record.fingerprint));
    }
  }

  function count(bytes: number): void {
    usedBytes += bytes;
    budget.usedBytes += bytes;
  }

  /** Not before the call has ended well: calls that are refused must not push out good keys. */
  function forgetBeyondLimits(): void {
    while (oldestFirst.size > 1 && (records.size > maxKeys || usedBytes > maxBytes)) {
      forgetOldest();
    }
  }

  return {
    async once(call, propose, execute) {
      forgetExpired();
      const known = records.get(call.key);
      if (known !== undefined) {
        return known.fingerprint === call.fingerprint
          ? { outcome: 'replayed', value: await known.value }
          : { outcome: 'mismatch' };
      }
      const proposed = propose();
      const record = { fingerprint: call.fingerprint, value: execute(proposed).then(() => proposed) };
      remember(call.key, record);
      try {
        const value = await record.value;
        oldestFirst.push({ key: call.key, atMs: clock.now() + ttlMs });
        forgetBeyondLimits();
        return { outcome: 'executed', value };
      } catch (error) {
        forget(call.key);
        throw error;
      }
    },

    async close() {
      records.clear();
    },
  };
}

function bytesOf(key: string, fingerprint: string): number {
  return keyBytes + bytesOfText(key) + fingerprint.length;
}
