import { isInScope } from '../session.ts';
import { createDeliveryLog, type DeliveryLog } from './delivery-log.ts';
import { bytesOfEntry } from './entry-bytes.ts';
import type { JournalEntry, ToldEntry } from './entry.ts';
import { createRing, type Ring } from './ring.ts';

/** An entry with its place in the journal. */
export interface PlacedEntry {
  readonly position: number;
  readonly entry: ToldEntry;
}

/** Some entries, one after the other. */
export interface JournalPage {
  readonly entries: readonly PlacedEntry[];
  /** Where the next page begins. */
  readonly next: number;
  /** How many entries between the place asked for and the first that is there are forgotten. */
  readonly skipped: number;
  /** How many things were left out among them, as nobody looked. */
  readonly leftOut: number;
}

/** How much is looked at, at once. */
export interface ReadLimits {
  /** So many entries at most. */
  readonly entries: number;
  /** So many are looked at for them. */
  readonly looked: number;
  /** They take so much memory at most; one alone may take more. */
  readonly bytes: number;
}

/**
 * What has happened, in one order, and how deliveries stand. Bounded in bytes: what is the oldest is forgotten
 * first.
 */
export interface Journal {
  readonly deliveries: DeliveryLog;
  /** Tells journals apart: a place in one says nothing in another. Milliseconds since the epoch. */
  life(): number;
  /** The position of the oldest entry that is there. */
  oldest(): number;
  /** The position of the next entry. */
  next(): number;
  /** Puts an entry at the next position. */
  readonly append: (entry: JournalEntry) => void;
  /** Passes a position over, whose entry cannot be read. */
  skip(): void;
  read(from: number, fits: (entry: ToldEntry) => boolean, limits: ReadLimits): JournalPage;
  /** Calls `wake` after every entry, until what is returned is called. It must be quick. */
  onAppend(wake: (entry: JournalEntry) => void): () => void;
  /** What everything takes in memory, in bytes. */
  bytes(): number;
  /** Forgets everything and goes on as another journal, or at another place. */
  restart(life: number, next: number): void;
}

interface State {
  life: number;
  readonly ring: Ring<JournalEntry>;
  readonly deliveries: DeliveryLog;
  readonly listeners: Set<(entry: JournalEntry) => void>;
  /** Sessions of payments, for calls about them. */
  readonly sessions: Map<string, string>;
}

/** Payments of sessions that are known; the last ones. */
const maxSessionsKnown = 10_000;

/** Reads without limits. */
export const noLimits: ReadLimits = { entries: Infinity, looked: Infinity, bytes: Infinity };

/**
 * An empty journal. Half of the bytes are for the order of events, half for deliveries.
 *
 * @param life see `Journal.life`.
 */
export function createJournal(maxBytes: number, life: number): Journal {
  const self: State = {
    life,
    ring: createRing(maxBytes / 2, bytesOfEntry),
    deliveries: createDeliveryLog(maxBytes / 2),
    listeners: new Set(),
    sessions: new Map(),
  };
  const { ring, deliveries, listeners } = self;
  return {
    deliveries,
    life: () => self.life,
    oldest: () => ring.oldest(),
    next: () => ring.next(),
    append: (entry) => append(self, entry),
    skip: () => ring.skip(),
    read: (from, fits, limits) => read(ring, from, fits, limits),
    onAppend(wake) {
      listeners.add(wake);
      return () => void listeners.delete(wake);
    },
    bytes: () => ring.bytes() + deliveries.bytes(),
    restart(newLife, next) {
      self.life = newLife;
      ring.restart(next);
      deliveries.forget(undefined);
      self.sessions.clear();
    },
  };
}

function append(self: State, entry: JournalEntry): void {
  const { ring, deliveries, listeners } = self;
  const placed = withSession(self, entry);
  ring.push(placed);
  if (entry.kind === 'delivery') {
    deliveries.note(entry);
  } else if (entry.kind === 'reset') {
    forget(self, entry.resetSessionId);
  }
  if (listeners.size > 0) {
    listeners.forEach((wake) => wake(placed));
  }
}

/** A call about a payment belongs to the payment's session, which the call does not tell. */
function withSession({ sessions }: State, entry: JournalEntry): JournalEntry {
  if (entry.kind === 'call') {
    const sessionId = sessions.size === 0 ? undefined : sessions.get(entry.paymentId);
    return sessionId === undefined || sessionId === entry.sessionId ? entry : { ...entry, sessionId };
  }
  if (entry.kind === 'transition' && entry.sessionId !== undefined) {
    // A map keeps the order of insertion: what is set anew comes last.
    sessions.delete(entry.paymentId);
    sessions.set(entry.paymentId, entry.sessionId);
    const [first = ''] = sessions.size > maxSessionsKnown ? sessions.keys() : [];
    sessions.delete(first);
  }
  return entry;
}

function forget({ ring, deliveries }: State, sessionId: string | undefined): void {
  ring.remove((entry) => isInScope(entry.sessionId, sessionId));
  deliveries.forget(sessionId);
}

function read(
  ring: Ring<JournalEntry>,
  from: number,
  fits: (entry: ToldEntry) => boolean,
  limits: ReadLimits,
): JournalPage {
  const first = Math.max(from, ring.oldest());
  const end = Math.min(ring.next(), first + limits.looked);
  const entries: PlacedEntry[] = [];
  let position = first;
  let [bytes, leftOut] = [0, 0];
  for (; position < end && entries.length < limits.entries; position += 1) {
    const entry = ring.get(position);
    if (entry?.kind === 'gap') {
      leftOut += entry.count;
    } else if (entry !== undefined && entry.kind !== 'reset' && fits(entry)) {
      bytes += bytesOfEntry(entry);
      if (bytes > limits.bytes && entries.length > 0) {
        break;
      }
      entries.push({ position, entry });
    }
  }
  return { entries, next: position, skipped: first - from, leftOut };
}
