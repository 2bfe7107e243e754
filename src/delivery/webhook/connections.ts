import { type buildConnector, Client } from 'undici';
import { Fifo } from '../../base/fifo.ts';

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
  /** Opens the sockets, within a time of its own; the egress policy is in there. */
  readonly connect: buildConnector.connector;
}

/** A connection that is the caller's alone until it is given back. */
export interface WebhookConnection {
  readonly client: RequestClient;
  /** Gives it back for the next request; must be called exactly once. */
  release(): void;
}

/** What an attempt needs of undici's clients. */
export type RequestClient = Pick<Client, 'dispatch'>;

/**
 * Why there is no connection: the pool is destroyed and nothing may be sent any more, too many wait
 * already, or those who wait for this origin were sent away.
 */
export type NoConnection = 'closed' | 'full' | 'dismissed';

/** Takes a connection, or why there is none. Must not throw. */
export type OnAcquired = (connection: WebhookConnection | NoConnection) => void;

/**
 * Keep-alive connections to webhook receivers: at most `maxPerOrigin` to one scheme, host and port,
 * and `maxTotal` in all, counting the idle ones. Many origins that do not answer can hold all
 * connections but the reserved ones, so others get theirs all the same.
 */
export interface WebhookConnections {
  /**
   * A connection to `origin`, at once or when one is free; origins that wait take turns. A callback: in a
   * backlog of many thousands each would hold promises of a kilobyte.
   *
   * @param onAcquired called once, before `acquire` returns if there is no need to wait.
   */
  acquire(origin: string, onAcquired: OnAcquired): void;
  /** Sends away all who wait for a connection to `origin`. */
  dismiss(origin: string): void;
  /** How many are in use, kept idle, and waited for. */
  stats(): { readonly busy: number; readonly idle: number; readonly waiting: number };
  /** Ends all connections at once; requests in flight fail. */
  destroy(): Promise<void>;
}

interface Origin {
  readonly name: string;
  readonly idle: Client[];
  readonly waiters: Fifo<OnAcquired>;
  /** Connections open to it, in use or idle. */
  open: number;
}

const soon = Promise.resolve();

/** See `WebhookConnections`. */
export function createWebhookConnections(options: WebhookConnectionsOptions): WebhookConnections {
  const origins = new Map<string, Origin>();
  /** Origins with waiters, in the order of their turns. */
  const turns = new Set<Origin>();
  /** Idle connections of all origins, the longest idle first. */
  const idleSince = new Map<Client, Origin>();
  const clients = new Set<Client>();
  let waiting = 0;
  let destroyed = false;

  function originNamed(name: string): Origin {
    let origin = origins.get(name);
    if (origin === undefined) {
      origin = { name, idle: [], waiters: new Fifo(), open: 0 };
      origins.set(name, origin);
    }
    return origin;
  }

  function takeConnection(origin: Origin): Client | undefined {
    const idle = origin.idle.pop();
    if (idle !== undefined) {
      idleSince.delete(idle);
      return idle;
    }
    if (origin.open >= options.maxPerOrigin) {
      return undefined;
    }
    const limit = origin.open === 0 ? options.maxTotal : options.maxTotal - options.reservedForNew;
    // Beyond the limit an idle connection is one of the reserved, and not to be had for this.
    if (clients.size > limit || (clients.size === limit && !closeLongestIdle())) {
      return undefined;
    }
    return openClient(origin);
  }

  function openClient(origin: Origin): Client {
    const client = new Client(origin.name, {
      keepAliveTimeout: options.idleTimeoutMs,
      // Otherwise `Keep-Alive: timeout=600` would keep it ten minutes.
      keepAliveMaxTimeout: options.idleTimeoutMs,
      pipelining: 1,
      connect: options.connect,
    });
    clients.add(client);
    origin.open += 1;
    // An idle client whose socket closed is a promise of a connection, no connection: let it go.
    client.on('disconnect', () => {
      if (idleSince.has(client)) {
        closeIdle(client, origin);
      }
    });
    return client;
  }

  function closeLongestIdle(): boolean {
    for (const [client, origin] of idleSince) {
      closeIdle(client, origin);
      return true;
    }
    return false;
  }

  function closeIdle(client: Client, origin: Origin): void {
    idleSince.delete(client);
    origin.idle.splice(origin.idle.indexOf(client), 1);
    forgetClient(client, origin);
    void client.destroy();
  }

  function forgetClient(client: Client, origin: Origin): void {
    clients.delete(client);
    origin.open -= 1;
    forgetUnused(origin);
  }

  function forgetUnused(origin: Origin): void {
    if (origin.open === 0 && origin.waiters.size === 0) {
      origins.delete(origin.name);
    }
  }

  function sendAway(origin: Origin, why: NoConnection): void {
    // All are out before the first is told: whoever is told may come again.
    const away: OnAcquired[] = [];
    for (let waiter = origin.waiters.shift(); waiter !== undefined; waiter = origin.waiters.shift()) {
      away.push(waiter);
    }
    waiting -= away.length;
    turns.delete(origin);
    for (const waiter of away) {
      waiter(why);
    }
  }

  function lend(client: Client, origin: Origin): WebhookConnection {
    return {
      client,
      release() {
        if (client.stats.connected) {
          origin.idle.push(client);
          idleSince.set(client, origin);
        } else {
          forgetClient(client, origin);
          void client.destroy();
        }
        serveWaiters();
      },
    };
  }

  function serveWaiters(): void {
    for (const origin of turns) {
      const client = takeConnection(origin);
      if (client === undefined) {
        continue;
      }
      const waiter = origin.waiters.shift();
      waiting -= 1;
      turns.delete(origin);
      if (origin.waiters.size > 0) {
        turns.add(origin); // to the end of the line
      }
      // Not from here: thousands who give it back at once would each serve the next within this call.
      void soon.then(() => waiter?.(lend(client, origin)));
      return;
    }
  }

  return {
    acquire(originName, onAcquired) {
      if (destroyed) {
        onAcquired('closed');
        return;
      }
      const origin = originNamed(originName);
      const client = origin.waiters.size === 0 ? takeConnection(origin) : undefined;
      if (client !== undefined) {
        onAcquired(lend(client, origin));
        return;
      }
      if (origin.waiters.size >= options.maxWaitingPerOrigin || waiting >= options.maxWaiting) {
        forgetUnused(origin);
        onAcquired('full');
        return;
      }
      waiting += 1;
      turns.add(origin);
      origin.waiters.push(onAcquired);
    },

    dismiss(originName) {
      const origin = origins.get(originName);
      if (origin !== undefined) {
        sendAway(origin, 'dismissed');
        forgetUnused(origin);
      }
    },

    stats: () => ({ busy: clients.size - idleSince.size, idle: idleSince.size, waiting }),

    async destroy() {
      destroyed = true;
      // Without this each failing request would hand its place to a waiter, and that one would send.
      for (const origin of turns) {
        sendAway(origin, 'closed');
      }
      await Promise.all([...clients].map((client) => client.destroy()));
    },
  };
}
