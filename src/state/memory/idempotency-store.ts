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
  readonly key: string;
  readonly fingerprint: string;
  /** Pending while the first call runs, so that concurrent ones wait for it. */
  readonly value: Promise<string>;
  /** By the simulation's clock; infinite while the first call runs. */
  expiresAtMs: number;
}

interface State extends MemoryIdempotencyStoreOptions {
  readonly share: BudgetShare;
  readonly records: Map<string, IdempotencyRecord>;
  /**
   * One entry per key whose call has ended well, and only those: a key that was freed by a failure
   * leaves nothing behind, and a call that still runs cannot be forgotten. A key that was used again after
   * it had expired has one for each use, until the older has been looked at.
   */
  readonly oldestFirst: Fifo<IdempotencyRecord>;
}

/** A key with its fingerprint, in the map and in the order of expiry, without their texts; in bytes. */
const keyBytes = 450;
/** So many expired keys are forgotten in one call, which brings one: a million may expire together. */
const forgottenPerCall = 100;

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
  const known = findKnown(self, call.key);
  if (known !== undefined) {
    return known.fingerprint === call.fingerprint
      ? { outcome: 'replayed', value: await known.value }
      : { outcome: 'mismatch' };
  }
  const proposed = propose();
  const { key, fingerprint } = call;
  const value = execute(proposed).then(() => proposed);
  const record: IdempotencyRecord = { key, fingerprint, value, expiresAtMs: Infinity };
  self.records.set(key, record);
  self.share.count(bytesOf(record));
  try {
    await value;
    record.expiresAtMs = self.clock.now() + self.ttlMs;
    self.oldestFirst.push(record);
    forgetBeyondLimits(self);
    return { outcome: 'executed', value: proposed };
  } catch (error) {
    forget(self, record);
    throw error;
  }
}

/** Not one that has expired and waits to be forgotten. */
function findKnown(self: State, key: string): IdempotencyRecord | undefined {
  const record = self.records.get(key);
  if (record === undefined || record.expiresAtMs > self.clock.now()) {
    return record;
  }
  forget(self, record);
  return undefined;
}

function forgetExpired(self: State): void {
  for (let forgotten = 0; forgotten < forgottenPerCall; forgotten += 1) {
    const oldest = self.oldestFirst.peek();
    if (oldest === undefined || oldest.expiresAtMs > self.clock.now()) {
      return;
    }
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
    forget(self, oldest);
  }
}

/** The key may have been used again, and then has another record. */
function forget(self: State, record: IdempotencyRecord): void {
  if (self.records.get(record.key) === record) {
    self.records.delete(record.key);
    self.share.count(-bytesOf(record));
  }
}

function bytesOf({ key, fingerprint }: IdempotencyRecord): number {
  return keyBytes + bytesOfText(key) + fingerprint.length;
}
