import type { Clock } from '../../clock.ts';
import type { IdempotencyStore } from '../ports.ts';
import { Fifo } from '../../fifo.ts';

/** How long and how many keys to remember. */
export interface MemoryIdempotencyStoreOptions {
  readonly clock: Clock;
  /** Keys are forgotten this long after their first use, in milliseconds. */
  readonly ttlMs: number;
  /** Beyond this many keys the oldest is forgotten early. */
  readonly maxKeys: number;
}

interface IdempotencyRecord {
  readonly key: string;
  readonly fingerprint: string;
  /** Pending while the first call runs, so that concurrent ones wait for it. */
  readonly value: Promise<string>;
  readonly expiresAtMs: number;
}

/** Idempotency keys in this process's memory. */
export function createMemoryIdempotencyStore(options: MemoryIdempotencyStoreOptions): IdempotencyStore {
  const { clock, ttlMs, maxKeys } = options;
  const records = new Map<string, IdempotencyRecord>();
  const oldestFirst = new Fifo<IdempotencyRecord>();

  /** Forgets the record, unless its key was freed and taken again since. */
  function forget(record: IdempotencyRecord): void {
    if (records.get(record.key) === record) {
      records.delete(record.key);
    }
  }

  function evict(): void {
    for (let oldest = oldestFirst.peek(); oldest !== undefined; oldest = oldestFirst.peek()) {
      if (oldest.expiresAtMs > clock.now() && records.size < maxKeys) {
        return;
      }
      forget(oldest);
      oldestFirst.shift();
    }
  }

  return {
    async once(call, execute) {
      evict();
      const known = records.get(call.key);
      if (known !== undefined) {
        return known.fingerprint === call.fingerprint
          ? { outcome: 'replayed', value: await known.value }
          : { outcome: 'mismatch' };
      }
      const record: IdempotencyRecord = {
        key: call.key,
        fingerprint: call.fingerprint,
        value: execute(),
        expiresAtMs: clock.now() + ttlMs,
      };
      records.set(call.key, record);
      oldestFirst.push(record);
      try {
        return { outcome: 'executed', value: await record.value };
      } catch (error) {
        forget(record);
        throw error;
      }
    },

    async close() {
      records.clear();
    },
  };
}
