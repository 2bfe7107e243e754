import type { EnvironmentReader } from '../../base/env/config-reader.ts';
import { findInvisible } from '../../base/visible-text.ts';

const switches = ['on', 'off'] as const;

/** Where the shared state is. */
export type RedisConfig = Readonly<ReturnType<typeof readRedisConfig>>;

/** Reads the Redis variables; mistakes are noted in `read`. */
export function readRedisConfig(read: EnvironmentReader) {
  const config = {
    /**
     * `redis://` or `rediss://` (TLS), with user and password where there are any: a secret. Undefined when
     * state is kept in this process's memory.
     */
    url: read.optionalText('REDIS_URL'),
    /** Whether the address is a way in to a Redis cluster. */
    cluster: read.oneOf('REDIS_CLUSTER', switches, 'off') === 'on',
    /** Over how many hash slots payments and their jobs are spread; may grow at any time, one replica after the other. */
    shards: read.integer('QUEUE_SHARDS', 1, 1, 64),
    /** Whether ListPayments works: an index that is written with every payment. */
    indexed: read.oneOf('PAYMENT_INDEX', switches, 'on') === 'on',
  };
  const problem = config.url === undefined ? undefined : problemOf(config.url, config.cluster);
  if (problem !== undefined) {
    read.mistake('REDIS_URL', problem);
  }
  return config;
}

/** Says what is wrong without repeating any of it: there may be a password in it. */
function problemOf(text: string, cluster: boolean): string | undefined {
  const invisible = findInvisible(text);
  if (invisible !== undefined) {
    return `must be without control and invisible characters, and has ${invisible}`;
  }
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '') {
    return 'must be redis://[user:password@]host[:port][/database], or rediss:// for TLS, with special characters of the password in percent-encoding';
  }
  if (url.search !== '' || url.hash !== '') {
    return 'must end after the database';
  }
  if (!/^\/?\d{0,4}$/.test(url.pathname)) {
    return 'must have the number of a database, or nothing, after the slash';
  }
  if (cluster && /[1-9]/.test(url.pathname)) {
    return 'must not name a database with REDIS_CLUSTER=on: a cluster has but one';
  }
  return decodes(url.username) && decodes(url.password)
    ? undefined
    : 'must have a user and password in percent-encoding';
}

function decodes(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
