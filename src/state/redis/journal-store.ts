import { createIORedisClient, type IRedisClient } from 'bullmq';
import type { MachineClock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import { createJournal, type Journal } from '../../simulator/journal/journal.ts';
import type { JournalStore } from '../../simulator/journal/ports.ts';
import { journalBytesOf } from '../heap-share.ts';
import { createEntryWriter, type EntryWriter } from './entry-writer.ts';
import { decodeEntry } from './journal-records.ts';
import { createLoopBatch } from './loop-batch.ts';
import type { RedisClient } from './redis-clients.ts';
import { journalKeys } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';

interface RedisJournalDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly clock: MachineClock;
  readonly logger: Logger;
  /** Of the entries in Redis, and of the copy in this process. */
  readonly maxBytes: number;
  /** Without a new entry for so long all are forgotten, in milliseconds. */
  readonly ttlMs: number;
}

interface State extends RedisJournalDeps {
  readonly commands: IRedisClient;
  /** The copy of this process, as far as anybody has asked for it. */
  readonly journal: Journal;
  readonly writer: EntryWriter;
  followers: number;
  isClosed: boolean;
  /** The next look, while anybody follows, or the end of a copy that nobody reads. */
  timer: Timer | undefined;
  readonly catchUp: () => Promise<void>;
}

/** Of `paymentSimJournal`. */
type Answer = readonly [life: string, next: string];

/** How often those who follow look, in milliseconds. */
const pollMs = 50;
/** A copy that nobody has read for so long is dropped, in milliseconds. */
const idleMs = 60_000;
/** So many entries are read at once; then the event loop has its turn. */
const perRead = 1_000;

/**
 * The journal of all replicas, in one stream that is capped. Nobody pays for reading it but who reads: a process
 * has a copy only while somebody does.
 */
export function createRedisJournalStore(deps: RedisJournalDeps): JournalStore {
  const { client, link, clock, logger, maxBytes, ttlMs } = deps;
  const commands = createIORedisClient(client);
  const run = (values: readonly string[]) =>
    link.run(() =>
      runScript<Answer>(commands, 'paymentSimJournal', journalKeys, [maxBytes, ttlMs, ...values]),
    );
  // One at a time, as each begins where the last one has ended; who comes meanwhile is served by the next.
  const catchUp = createLoopBatch<undefined, void>({
    maxSize: Infinity,
    maxInFlight: 1,
    run: async (_shard, callers) => {
      await self.writer.written();
      await readAll(self, await run([]));
      return callers.map(() => undefined);
    },
  });
  const self: State = {
    ...deps,
    commands,
    journal: createJournal(journalBytesOf(maxBytes), 0),
    writer: createEntryWriter({ clock, logger, write: run }),
    followers: 0,
    isClosed: false,
    timer: undefined,
    catchUp: () => catchUp(0, undefined),
  };
  return {
    journal: self.journal,
    append: (entry) => self.writer.append(entry),
    async refresh() {
      await self.catchUp();
      dropWhenIdle(self);
    },
    follow: () => follow(self),
    written: () => self.writer.written(),
    async close() {
      self.isClosed = true;
      self.timer?.cancel();
    },
  };
}

/** Brings in all up to the entry that was the last at the beginning. */
async function readAll(self: State, [life, next]: Answer): Promise<void> {
  const { journal } = self;
  // A Redis that took over from another one may lack the last entries.
  if (String(journal.life()) !== life || Number(next) < journal.next()) {
    journal.restart(Number(life), 1);
  }
  while (journal.next() < Number(next)) {
    const before = journal.next();
    await readSome(self, life);
    if (journal.next() === before) {
      // All of them have been taken out meanwhile.
      journal.restart(Number(life), Number(next));
    }
  }
}

async function readSome({ link, client, journal }: State, life: string): Promise<void> {
  const after = `(${life}-${journal.next() - 1}`;
  const found = await link.run(() => client.xrange(journalKeys[0], after, '+', 'COUNT', perRead));
  for (const [id, [, json = '']] of found) {
    const number = Number(id.slice(id.indexOf('-') + 1));
    if (number > journal.next()) {
      // Those in between have been taken out.
      journal.restart(Number(life), number);
    }
    const entry = decodeEntry(json);
    if (entry === undefined) {
      journal.skip();
    } else {
      journal.append(entry);
    }
  }
}

function follow(self: State): () => void {
  self.followers += 1;
  if (self.followers === 1) {
    poll(self);
  }
  let isOver = false;
  return () => {
    if (!isOver) {
      isOver = true;
      self.followers -= 1;
      dropWhenIdle(self);
    }
  };
}

/** Whoever follows is not told of a Redis that is away: its next look may find it. */
function poll(self: State): void {
  self.timer?.cancel();
  self.timer = self.clock.setTimer(pollMs, () => {
    void self
      .catchUp()
      .catch(() => undefined)
      .finally(() => (self.followers > 0 && !self.isClosed ? poll(self) : undefined));
  });
}

function dropWhenIdle(self: State): void {
  if (self.followers === 0) {
    self.timer?.cancel();
    self.timer = self.clock.setTimer(idleMs, () => self.journal.restart(0, 1));
  }
}
