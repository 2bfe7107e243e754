import type { Logger } from '../../observability/logger.ts';
import type { RedisClient } from './redis-clients.ts';
import { describeRedisError } from './redis-error.ts';
import { shardCountKey } from './redis-keys.ts';

/** A Redis that must not be used; ends the start of the service. */
export class UnfitRedisError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnfitRedisError';
  }
}

const minVersion = { major: 6, minor: 2 };

/**
 * Looks at the version, at what Redis does when its memory is full, and at whether it keeps its data
 * over a restart; not where the user may not call `INFO`. What is merely inadvisable is logged.
 *
 * @throws UnfitRedisError when Redis is too old, or other replicas use another number of shards.
 */
export async function checkServer(client: RedisClient, shards: number, logger: Logger): Promise<void> {
  let info: string | undefined;
  try {
    info = await client.info();
  } catch (error) {
    logger.debug({ error: describeRedisError(error) }, 'Redis does not tell what it is');
  }
  if (info !== undefined) {
    checkInfo(info, logger);
  }
  await client.set(shardCountKey, shards, 'NX');
  const agreed = Number(await client.get(shardCountKey));
  if (agreed !== shards) {
    throw new UnfitRedisError(
      `QUEUE_SHARDS is ${shards} here, but the payments in this Redis are spread over ${agreed}; all replicas must have the same number (to change it, let all payments settle, stop all replicas and delete the key ${shardCountKey})`,
    );
  }
}

function checkInfo(info: string, logger: Logger): void {
  const fields = new Map(
    info.split(/\r?\n/).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
  // Valkey has this field too: the version of Redis that it is compatible with.
  const version = fields.get('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (
    version !== '' &&
    (major < minVersion.major || (major === minVersion.major && minor < minVersion.minor))
  ) {
    throw new UnfitRedisError(`Redis ${version} is too old: 6.2 or later is needed`);
  }
  const policy = fields.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    logger.warn(
      { maxmemory_policy: policy },
      'Redis may throw payments and schedules away when its memory is full: set maxmemory-policy to noeviction',
    );
  }
  if (fields.get('aof_enabled') === '0') {
    logger.warn(
      'Redis has no append-only file: what it was told last is lost when it crashes; set appendonly to yes',
    );
  }
}
