import { createIORedisClient, type IRedisClient } from 'bullmq';
import type { MachineClock } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { RedisClient } from './redis-clients.ts';
import { closedKey, shardCountKey } from './redis-keys.ts';
import { runScript } from './redis-scripts.ts';
import { decodeMarker, encodeMarker, type Spread, withMoreShards } from './shard-marker.ts';
import { shardsOf } from './shard-numbers.ts';
import type { Shards } from './shards.ts';
import { UnfitRedisError } from './unfit-error.ts';

interface AgreementDeps {
  readonly client: RedisClient;
  readonly clock: MachineClock;
  readonly logger: Logger;
  /** QUEUE_SHARDS of this replica. */
  readonly count: number;
  /** Is told what was agreed on. */
  readonly shards: Pick<Shards, 'adopt'>;
}

interface State extends AgreementDeps {
  readonly commands: IRedisClient;
  /** The marker as it was adopted last. */
  marker: string | undefined;
  /** The number of shards to which new payments go by that marker. */
  current: number;
}

/**
 * Keeps all replicas to the same form of keys and the same numbers of shards, by a marker in Redis that the first one
 * leaves: without it, a replica with another number would answer NOT_FOUND for the payments of the others.
 *
 * A replica with a larger number adds it. First it closes all shards that there are to keys that they do not know, and
 * then it changes the marker: whoever sees the new one may look for a key in the shards from before, and be sure
 * that nobody uses it there later. A replica that has not seen it yet is told by the shard.
 *
 * @returns looks at the marker, and leaves or changes it where that is due: to `atLeast` shards, as a closed one says,
 *   whose replica may have died before it changed the marker. Rejects with an UnfitRedisError when the others
 *   have what this replica cannot work with.
 */
export function createShardAgreement(deps: AgreementDeps): (atLeast?: number) => Promise<void> {
  const self: State = {
    ...deps,
    commands: createIORedisClient(deps.client),
    marker: undefined,
    current: 0,
  };
  let adding: { readonly count: number; readonly ended: Promise<void> } | undefined;
  return (atLeast = 0) => {
    if (atLeast === 0) {
      return agree(self, deps.count);
    }
    // All calls that come to closed shards come here, and one does it for all.
    if (adding === undefined || adding.count < atLeast) {
      const current = { count: atLeast, ended: agree(self, Math.max(deps.count, atLeast)) };
      adding = current;
      const end = () => void (adding = adding === current ? undefined : adding);
      current.ended.then(end, end);
    }
    return adding.ended;
  };
}

async function agree(self: State, wanted: number): Promise<void> {
  const { client, count, shards } = self;
  for (;;) {
    const found = await client.get(shardCountKey);
    if (found !== null && found === self.marker && self.current >= wanted) {
      return;
    }
    const spreads = found === null ? undefined : readMarker(found, count);
    const current = spreads?.at(-1)?.count ?? 0;
    if (found === null || spreads === undefined) {
      await leaveMarker(self);
    } else if (current < wanted) {
      await addShards(self, found, spreads, wanted);
    } else {
      // Once more: a master that has failed may have taken the closing along. A Redis that is full takes it no more.
      await closeShards(self, spreads.slice(0, -1), current).catch(() => undefined);
      noteOthers(self, current);
      Object.assign(self, { marker: found, current });
      shards.adopt(spreads);
      return;
    }
  }
}

/** @throws UnfitRedisError */
function readMarker(found: string, count: number): readonly Spread[] {
  const spreads = decodeMarker(found);
  if (spreads === undefined) {
    const own = encodeMarker([{ count, closedAtMs: undefined }]);
    throw new UnfitRedisError(
      `the payments in this Redis are of another release, which keeps them under other keys (${shardCountKey} is ${JSON.stringify(found)}, not "${own}"); use a replica of that release, or ${startAnew}`,
    );
  }
  const counts = spreads.map((spread) => spread.count);
  if (count < Math.max(...counts) && !counts.includes(count)) {
    throw new UnfitRedisError(
      `QUEUE_SHARDS is ${count} here, but the payments in this Redis are spread over ${counts.join(' and ')}; there may be more shards at any time, but not fewer (for fewer, ${startAnew})`,
    );
  }
  return spreads;
}

const startAnew = `let all payments settle, stop all replicas and delete the key ${shardCountKey}`;

/** Another replica may be faster: what counts is what is there in the end. */
async function leaveMarker(self: State): Promise<void> {
  const { client, count, logger, marker } = self;
  self.marker = undefined;
  if (marker === undefined) {
    // Somebody has deleted the marker of a larger number.
    await Promise.all(shardsOf(count).map((shard) => client.del(closedKey(shard))));
  } else {
    logger.error('Redis has lost its data: payments, schedules and keys that were there are gone');
  }
  await client.set(shardCountKey, marker ?? encodeMarker([{ count, closedAtMs: undefined }]), 'NX');
}

async function addShards(self: State, found: string, spreads: readonly Spread[], wanted: number) {
  const { clock, commands, logger } = self;
  await closeShards(self, spreads, wanted);
  const marker = encodeMarker(withMoreShards(spreads, wanted, clock.now()));
  if (await runScript<0 | 1>(commands, 'paymentSimReplace', [shardCountKey], [found, marker])) {
    const before = spreads.at(-1)?.count;
    logger.info({ shards: wanted, before }, 'New payments go to more shards; those before keep theirs');
  }
}

async function closeShards({ client }: State, spreads: readonly Spread[], count: number): Promise<void> {
  const closing = spreads.flatMap((spread) => shardsOf(spread.count));
  await Promise.all(closing.map((shard) => client.set(closedKey(shard), count)));
}

function noteOthers({ logger, count, current: before }: State, current: number): void {
  if (current > count && current !== before) {
    logger.info(
      { queueShards: count, shards: current },
      'New payments go to more shards than QUEUE_SHARDS says',
    );
  }
}
