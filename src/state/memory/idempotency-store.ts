import type { SimClock } from '../../base/clock.ts';
import type { IdempotencyStore } from '../../payment/ports.ts';
import { Fifo } from '../../base/fifo.ts';

/** How long and how many keys to remember. */
interface MemoryIdempotencyStoreOptions {
  readonly clock: SimClock;
  /** Keys are forgotten this long after their call has ended, in milliseconds. */
  readonly ttlMs: number;
  /** Beyond this many keys the oldest is forgotten early, but never one whose call still runs. */
  readonly maxKeys: number;
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

/** Idempotency keys in this process's memory. */
export function createMemoryIdempotencyStore(options: MemoryIdempotencyStoreOptions): IdempotencyStore {
  const { clock, ttlMs, maxKeys } = options;
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
      records.delete(oldest.key);
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
      if (records.size >= maxKeys) {
        forgetOldest();
      }
      const proposed = propose();
      const record = { fingerprint: call.fingerprint, value: execute(proposed).then(() => proposed) };
      records.set(call.key, record);
      try {
        const value = await record.value;
        oldestFirst.push({ key: call.key, atMs: clock.now() + ttlMs });
        return { outcome: 'executed', value };
      } catch (error) {
        records.delete(call.key);
        throw error;
      }
    },

    async close() {
      records.clear();
    },
  };
}
