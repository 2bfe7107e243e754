import type { SimClock } from '../../base/clock.ts';
import type { IdempotencyStore, IdempotentCall, IdempotentResult } from '../../payment/ports.ts';
import { Fifo } from '../../base/fifo.ts';
import {
  type BudgetShare,
  bytesOfText,
  createBudgetShare,
  type MemoryBudget,
  unlimitedBudget,
} from './memory-budget.ts';

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

interface State extends MemoryIdempotencyStoreOptions {
  readonly share: BudgetShare;
  readonly records: Map<string, IdempotencyRecord>;
  /**
   * One entry per key whose call has ended well, and only those: a key that was freed by a failure
   * leaves nothing behind, and a call that still runs cannot be forgotten.
   */
  readonly oldestFirst: Fifo<Expiry>;
}

/** A key with its fingerprint, in the map and in the order of expiry, without their texts; in bytes. */
const keyBytes = 450;

/** Idempotency keys in this process's memory. */
export function createMemoryIdempotencyStore(options: MemoryIdempotencyStoreOptions): IdempotencyStore {
  const self: State = {
    ...options,
    share: createBudgetShare(options.budget ?? unlimitedBudget()),
    records: new Map(),
    oldestFirst: new Fifo(),
  };
  return {
    once: (call, propose, execute) => once(self, call, propose, execute),
    async close() {
      self.records.clear();
    },
  };
}

async function once(
  self: State,
  call: IdempotentCall,
  propose: () => string,
  execute: (value: string) => Promise<unknown>,
): Promise<IdempotentResult> {
  forgetExpired(self);
  const known = self.records.get(call.key);
  if (known !== undefined) {
    return known.fingerprint === call.fingerprint
      ? { outcome: 'replayed', value: await known.value }
      : { outcome: 'mismatch' };
  }
  const proposed = propose();
  const record = { fingerprint: call.fingerprint, value: execute(proposed).then(() => proposed) };
  self.records.set(call.key, record);
  self.share.count(bytesOf(call.key, record));
  try {
    const value = await record.value;
    self.oldestFirst.push({ key: call.key, atMs: self.clock.now() + self.ttlMs });
    forgetBeyondLimits(self);
    return { outcome: 'executed', value };
  } catch (error) {
    forget(self, call.key);
    throw error;
  }
}

function forgetExpired(self: State): void {
  for (
    let oldest = self.oldestFirst.peek();
    oldest !== undefined && oldest.atMs <= self.clock.now();
    oldest = self.oldestFirst.peek()
  ) {
    forgetOldest(self);
  }
}

/** Not before the call has ended well: calls that are refused must not push out good keys. */
function forgetBeyondLimits(self: State): void {
  while (self.oldestFirst.size > 1 && (self.records.size > self.maxKeys || self.share.isExceeded())) {
    forgetOldest(self);
  }
}

function forgetOldest(self: State): void {
  const oldest = self.oldestFirst.shift();
  if (oldest !== undefined) {
    forget(self, oldest.key);
  }
}

function forget(self: State, key: string): void {
  const record = self.records.get(key);
  if (record !== undefined) {
    self.records.delete(key);
    self.share.count(-bytesOf(key, record));
  }
}

function bytesOf(key: string, { fingerprint }: IdempotencyRecord): number {
  return keyBytes + bytesOfText(key) + fingerprint.length;
}
