import { Cluster, Redis } from 'ioredis';
import { isReadOnly } from './redis-error.ts';

/** A connection to Redis, or to a cluster of them. */
export type RedisClient = Redis | Cluster;

/** The two connections of a process; each worker adds one of its own, in which it waits for jobs. */
export interface RedisClients {
  /** For calls: fails at once when Redis is gone, and never sends a command twice. */
  readonly calls: RedisClient;
  /** For jobs, in BullMQ's hands: waits until Redis is back. */
  readonly jobs: RedisClient;
}

const defaultPort = 6379;
/** Longest wait before the next try to connect, in milliseconds. */
const maxReconnectMs = 1_000;
const connectTimeoutMs = 5_000;

/** Makes the connections; nothing is sent before `connect`. */
export function createRedisClients(url: string, cluster: boolean): RedisClients {
  const address = { url: new URL(url), cluster };
  return {
    calls: createClient(address, {
      connectionName: 'payment-sim-calls',
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      reconnectOnError: onceInAWhile((error) => (isReadOnly(error) ? 1 : false)),
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
  /** null: as many as it takes. */
  readonly maxRetriesPerRequest: number | null;
  /** 1: connect again, for the address may lead elsewhere now; 2: and send the command again. */
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
  // Nodes are called by the names they have in the cluster, or TLS could not check their certificates.
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
 * Connects again once in `maxReconnectMs` at most: a new connection is tried by a write at once, which the
 * old primary refuses again.
 */
function onceInAWhile(decide: ClientOptions['reconnectOnError']): ClientOptions['reconnectOnError'] {
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
