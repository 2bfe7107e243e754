import { type buildConnector, Client } from 'undici';
import { Fifo } from '../../base/fifo.ts';
import { eachInSlices } from '../../base/slices.ts';

/** The bounds of the pool. */
export interface WebhookConnectionsOptions {
  readonly maxPerOrigin: number;
  readonly maxTotal: number;
  /** So many of `maxTotal` are only for origins that have no connection yet. */
  readonly reservedForNew: number;
  /** At most this many wait for a connection to one origin. */
  readonly maxWaitingPerOrigin: number;
  /** At most this many wait in all. */
  readonly maxWaiting: number;
  /** How long an idle connection is kept at most, in milliseconds, whatever a receiver proposes. */
  readonly idleTimeoutMs: number;
  /** Opens the sockets, within a time of its own; applies the egress policy. */
  readonly connect: buildConnector.connector;
}

/** A connection that is the caller's alone until it is released. */
export interface WebhookConnection {
  readonly client: RequestClient;
  /** Gives it back to the pool; must be called exactly once. */
  release(): void;
}

/** What an attempt needs of undici's clients. */
export type RequestClient = Pick<Client, 'dispatch'>;

/**
 * Why there is no connection: the pool is destroyed and nothing may be sent any more, too many wait
 * already, or the wait for this origin was ended by `dismiss`.
 */
export type NoConnection = 'closed' | 'full' | 'dismissed';

/** Takes a connection, or why there is none. Must not throw. */
export type OnAcquired = (connection: WebhookConnection | NoConnection) => void;

/**
 * Keep-alive connections to webhook receivers: at most `maxPerOrigin` to one scheme, host and port,
 * and `maxTotal` in all, counting the idle ones. Origins that do not answer can occupy all connections
 * but the reserved ones, so other origins still get one each.
 */
export interface WebhookConnections {
  /**
   * A connection to `origin`, at once or when one is free; origins with waiters are served round-robin.
   * Takes a callback because a promise for each waiter takes a kilobyte, and many thousands may wait.
   *
   * @param onAcquired called once, before `acquire` returns if there is no need to wait.
   */
  acquire(origin: string, onAcquired: OnAcquired): void;
  /**
   * False while so many wait, for `origin` or in all, that who comes is close to being told `full`. An origin
   * that few wait for has room also while others have none.
   */
  hasRoom(origin: string): boolean;
  /** Ends the wait of all who wait for a connection to `origin`: they are told `dismissed`. */
  dismiss(origin: string): void;
  /** How many are in use, kept idle, and waited for. */
  stats(): { readonly busy: number; readonly idle: number; readonly waiting: number };
  /** Closes all connections at once; requests in flight fail, and who waits is told `closed`. */
  destroy(): Promise<void>;
}

interface Origin {
  readonly name: string;
  readonly idle: Client[];
  readonly waiters: Fifo<OnAcquired>;
  /** Connections open to it, in use or idle. */
  open: number;
}

interface Pool {
  readonly options: WebhookConnectionsOptions;
  /** Those with a connection or a waiter. */
  readonly origins: Map<string, Origin>;
  /** Those with waiters, the next to be served first. */
  readonly turns: Set<Origin>;
  /** Idle connections of all origins, the longest idle first. */
  readonly idleSince: Map<Client, Origin>;
  /** All connections, in use or idle. */
  readonly clients: Set<Client>;
  waiting: number;
  isDestroyed: boolean;
}

const resolved = Promise.resolve();

/** See `WebhookConnections`. */
export function createWebhookConnections(options: WebhookConnectionsOptions): WebhookConnections {
  const pool: Pool = {
    options,
    origins: new Map(),
    turns: new Set(),
    idleSince: new Map(),
    clients: new Set(),
    waiting: 0,
    isDestroyed: false,
  };
  return {
    acquire: (originName, onAcquired) => acquire(pool, originName, onAcquired),
    hasRoom: (originName) => hasRoom(pool, originName),
    dismiss: (originName) => dismiss(pool, originName),
    stats: () => ({
      busy: pool.clients.size - pool.idleSince.size,
      idle: pool.idleSince.size,
      waiting: pool.waiting,
    }),
    destroy: () => destroy(pool),
  };
}

function acquire(pool: Pool, originName: string, onAcquired: OnAcquired): void {
  if (pool.isDestroyed) {
    onAcquired('closed');
    return;
  }
  const { maxWaiting, maxWaitingPerOrigin } = pool.options;
  const origin = originNamed(pool, originName);
  const client = origin.waiters.size === 0 ? takeConnection(pool, origin) : undefined;
  if (client !== undefined) {
    onAcquired(lend(pool, client, origin));
    return;
  }
  if (origin.waiters.size >= maxWaitingPerOrigin || pool.waiting >= maxWaiting) {
    forgetUnused(pool, origin);
    onAcquired('full');
    return;
  }
  pool.waiting += 1;
  pool.turns.add(origin);
  origin.waiters.push(onAcquired);
}

function hasRoom({ options, origins, waiting }: Pool, originName: string): boolean {
  const waitingThere = origins.get(originName)?.waiters.size ?? 0;
  const isCrowded = waiting >= options.maxWaiting / 2;
  return (
    waitingThere < options.maxWaitingPerOrigin / (isCrowded ? 50 : 2) && waiting < options.maxWaiting * 0.9
  );
}

function originNamed(pool: Pool, name: string): Origin {
  let origin = pool.origins.get(name);
  if (origin === undefined) {
    origin = { name, idle: [], waiters: new Fifo(), open: 0 };
    pool.origins.set(name, origin);
  }
  return origin;
}

/** An idle connection to `origin`, or a new one where the bounds allow it. */
function takeConnection(pool: Pool, origin: Origin): Client | undefined {
  const idle = origin.idle.pop();
  if (idle !== undefined) {
    pool.idleSince.delete(idle);
    return idle;
  }
  const { maxPerOrigin, maxTotal, reservedForNew } = pool.options;
  if (origin.open >= maxPerOrigin) {
    return undefined;
  }
  const limit = origin.open === 0 ? maxTotal : maxTotal - reservedForNew;
  // More than one when reserved connections are open, which puts the pool above the limit of all others.
  const tooMany = pool.clients.size + 1 - limit;
  return closeLongestIdle(pool, tooMany) ? openClient(pool, origin) : undefined;
}

function openClient(pool: Pool, origin: Origin): Client {
  const { idleTimeoutMs, connect } = pool.options;
  const client = new Client(origin.name, {
    keepAliveTimeout: idleTimeoutMs,
    // The upper bound of what undici takes from a receiver: `Keep-Alive: timeout=600` is ten minutes.
    keepAliveMaxTimeout: idleTimeoutMs,
    pipelining: 1,
    connect,
  });
  pool.clients.add(client);
  origin.open += 1;
  // Undici emits `disconnect` after the socket has closed, and would open another for the next request. An
  // idle client without a socket must not count against `maxTotal`. One in use is dealt with on release.
  client.on('disconnect', () => {
    if (pool.idleSince.has(client)) {
      closeIdle(pool, client, origin);
    }
  });
  return client;
}

/** Gives `client` to one caller, who has it until `release`. */
function lend(pool: Pool, client: Client, origin: Origin): WebhookConnection {
  return {
    client,
    release() {
      if (client.stats.connected) {
        origin.idle.push(client);
        pool.idleSince.set(client, origin);
      } else {
        forgetClient(pool, client, origin);
        void client.destroy();
      }
      serveNext(pool);
    },
  };
}

/** Gives a connection to the first waiter of the first origin that may have one. */
function serveNext(pool: Pool): void {
  for (const origin of pool.turns) {
    const client = takeConnection(pool, origin);
    if (client !== undefined) {
      lendToWaiter(pool, client, origin);
      return;
    }
  }
}

function lendToWaiter(pool: Pool, client: Client, origin: Origin): void {
  const waiter = origin.waiters.shift();
  pool.waiting -= 1;
  // A set keeps the order of insertion: added again, the origin is the last to be served.
  pool.turns.delete(origin);
  if (origin.waiters.size > 0) {
    pool.turns.add(origin);
  }
  // As a microtask: a waiter that releases at once would serve the next waiter from within this call, and the
  // stack would grow with the number of waiters.
  void resolved.then(() => waiter?.(lend(pool, client, origin)));
}

/** Closes `count` idle connections, the longest idle first; none and false when there are fewer. */
function closeLongestIdle(pool: Pool, count: number): boolean {
  if (pool.idleSince.size < count) {
    return false;
  }
  let left = count;
  for (const [client, origin] of pool.idleSince) {
    if (left <= 0) {
      break;
    }
    closeIdle(pool, client, origin);
    left -= 1;
  }
  return true;
}

function closeIdle(pool: Pool, client: Client, origin: Origin): void {
  pool.idleSince.delete(client);
  origin.idle.splice(origin.idle.indexOf(client), 1);
  forgetClient(pool, client, origin);
  void client.destroy();
}

function forgetClient(pool: Pool, client: Client, origin: Origin): void {
  pool.clients.delete(client);
  origin.open -= 1;
  forgetUnused(pool, origin);
}

function forgetUnused(pool: Pool, origin: Origin): void {
  if (origin.open === 0 && origin.waiters.size === 0) {
    pool.origins.delete(origin.name);
  }
}

function dismiss(pool: Pool, originName: string): void {
  const origin = pool.origins.get(originName);
  if (origin !== undefined) {
    void endWaits(pool, origin, 'dismissed');
    forgetUnused(pool, origin);
  }
}

function endWaits(pool: Pool, origin: Origin, why: NoConnection): Promise<void> {
  // The queue is emptied before the first callback, which may call `acquire` and wait again.
  const ended = origin.waiters.takeAll();
  pool.waiting -= ended.length;
  pool.turns.delete(origin);
  // Thousands, each with a log line or an entry in the queue.
  return eachInSlices(ended, (waiter) => waiter(why));
}

async function destroy(pool: Pool): Promise<void> {
  pool.isDestroyed = true;
  // Before the clients: a request that fails with its client releases the connection, and the release would
  // let a waiter send the next request.
  const told = [...pool.turns].map((origin) => endWaits(pool, origin, 'closed'));
  await Promise.all([...told, ...[...pool.clients].map((client) => client.destroy())]);
}
