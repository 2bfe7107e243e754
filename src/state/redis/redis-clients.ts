import { Cluster, Redis } from 'ioredis';
import { isReadOnly } from './redis-error.ts';

/** A connection to Redis, or to a cluster of them. */
export type RedisClient = Redis | Cluster;

/** The two connections of a process; each worker of BullMQ opens one more, for its blocking reads. */
export interface RedisClients {
  /** For calls: a command fails at once while there is no connection, and is never sent twice. */
  readonly calls: RedisClient;
  /** For BullMQ's workers: commands wait until Redis is back. */
  readonly jobs: RedisClient;
}

const defaultPort = 6379;
/** Longest wait before the next try to connect, in milliseconds. */
const maxReconnectMs = 1_000;
const connectTimeoutMs = 5_000;

/**
 * Makes the connections; nothing is sent before `connect`.
 *
 * @param url with user name, password and database where they are needed; `rediss:` is Redis over TLS.
 * @param cluster whether `url` is a node of a cluster.
 */
export function createRedisClients(url: string, cluster: boolean): RedisClients {
  const address = { url: new URL(url), cluster };
  return {
    calls: createClient(address, {
      connectionName: 'payment-sim-calls',
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      reconnectOnError: limitReconnects((error) => (isReadOnly(error) ? 1 : false)),
    }),
    jobs: createClient(address, {
      connectionName: 'payment-sim-jobs',
      enableOfflineQueue: true,
      autoResendUnfulfilledCommands: true,
      maxRetriesPerRequest: null,
      reconnectOnError: (error) => (isReadOnly(error) ? 2 : false),
    }),
  };
}

interface ClientOptions {
  readonly connectionName: string;
  readonly enableOfflineQueue: boolean;
  readonly autoResendUnfulfilledCommands: boolean;
  /** null: without limit. */
  readonly maxRetriesPerRequest: number | null;
  /** 1: connect again, because the name may resolve to another server now; 2: and send the command again. */
  readonly reconnectOnError: (error: Error) => false | 1 | 2;
}

function createClient(
  { url, cluster }: { readonly url: URL; readonly cluster: boolean },
  clientOptions: ClientOptions,
): RedisClient {
  const { enableOfflineQueue, ...options } = clientOptions;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? defaultPort : Number(url.port);
  const redisOptions = {
    ...options,
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    ...(url.protocol === 'rediss:' && { tls: { servername: host } }),
    connectTimeout: connectTimeoutMs,
    disableClientInfo: true,
  };
  if (!cluster) {
    const db = Number(url.pathname.slice(1) || 0);
    return new Redis({
      ...redisOptions,
      enableOfflineQueue,
      host,
      port,
      db,
      retryStrategy,
      lazyConnect: true,
    });
  }
  // By default ioredis connects to the addresses that names resolve to, which certificates need not contain;
  // this lookup leaves the names as they are.
  return new Cluster([{ host, port }], {
    redisOptions: url.protocol === 'rediss:' ? { ...redisOptions, tls: {} } : redisOptions,
    dnsLookup: (address, callback) => callback(null, address),
    clusterRetryStrategy: retryStrategy,
    enableOfflineQueue,
    lazyConnect: true,
    slotsRefreshTimeout: connectTimeoutMs,
  });
}

/** How long to wait before the next try to connect, in milliseconds. */
function retryStrategy(tries: number): number {
  return Math.min(tries * 50, maxReconnectMs);
}

/**
 * Connects again once in `maxReconnectMs` at most. A new connection sends a write at once; as long as the name
 * still resolves to the old primary that write is refused too, and each refusal would open another connection.
 */
function limitReconnects(decide: ClientOptions['reconnectOnError']): ClientOptions['reconnectOnError'] {
  let lastAtMs = -Infinity;
  return (error) => {
    const nowMs = performance.now();
    const decision = nowMs - lastAtMs < maxReconnectMs ? false : decide(error);
    if (decision !== false) {
      lastAtMs = nowMs;
    }
    return decision;
  };
}
