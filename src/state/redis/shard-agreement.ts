import type { Logger } from '../../observability/logger.ts';
import type { RedisClient } from './redis-clients.ts';
import { shardCountKey, shardMarker } from './redis-keys.ts';
import { UnfitRedisError } from './unfit-error.ts';

/**
 * Keeps all replicas to the same number of shards and the same form of keys: the first one leaves a marker.
 * Without it, a replica with another number would answer NOT_FOUND for the payments of the others.
 *
 * @param shards QUEUE_SHARDS of this replica.
 * @returns looks at the marker, and leaves one where there is none. Rejects with an UnfitRedisError when the
 *   others have another.
 */
export function createShardAgreement(
  client: RedisClient,
  shards: number,
  logger: Logger,
): () => Promise<void> {
  const own = shardMarker(shards);
  let hasSeenMarker = false;
  return async () => {
    const found = await client.get(shardCountKey);
    if (found === own) {
      hasSeenMarker = true;
      return;
    }
    if (found !== null) {
      throw new UnfitRedisError(describeDisagreement(shards, found));
    }
    if (hasSeenMarker) {
      hasSeenMarker = false;
      logger.error('Redis has lost its data: payments, schedules and keys that were there are gone');
    }
    // Another replica may be faster: what counts is what is there in the end.
    await client.set(shardCountKey, own, 'NX');
    const agreed = (await client.get(shardCountKey)) ?? '';
    if (agreed !== own) {
      throw new UnfitRedisError(describeDisagreement(shards, agreed));
    }
    hasSeenMarker = true;
  };
}

function describeDisagreement(shards: number, found: string): string {
  const change = `let all payments settle, stop all replicas and delete the key ${shardCountKey}`;
  const own = shardMarker(shards);
  const [form = '', count = ''] = found.split(':');
  return count !== '' && own.startsWith(`${form}:`)
    ? `QUEUE_SHARDS is ${shards} here, but the payments in this Redis are spread over ${count}; all replicas must have the same number (to change it, ${change})`
    : `the payments in this Redis are of another release, which keeps them under other keys (${shardCountKey} is ${JSON.stringify(found)}, not "${own}"); use a replica of that release, or ${change}`;
}
