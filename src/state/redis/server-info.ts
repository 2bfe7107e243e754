import { Cluster, type Redis } from 'ioredis';
import type { MachineClock } from '../../base/clock.ts';
import { within } from '../../base/within.ts';
import type { RedisClient } from './redis-clients.ts';

/** What a Redis tells of itself by `INFO`; what it does not tell is undefined. */
export interface ServerInfo {
  /** Tells nodes of a cluster and their restarts apart. */
  readonly runId: string | undefined;
  readonly version: string | undefined;
  /** Whether it keeps an append-only file. */
  readonly hasAppendOnlyFile: boolean | undefined;
  /** What `maxmemory` is held against: without the buffers of replicas and of the append-only file. */
  readonly usedBytes: number | undefined;
  /** 0 without a limit. */
  readonly maxBytes: number | undefined;
  readonly maxmemoryPolicy: string | undefined;
  /** Since it was started. */
  readonly evictedKeys: number | undefined;
  /** How far its clock is ahead of the one of this machine, in milliseconds; give or take half the way there and back. */
  readonly clockAheadMs: number | undefined;
}

/**
 * Asks Redis, or each master of a cluster, for its `INFO`. One that does not answer in `patienceMs`, or refuses
 * it, is left out: the last refusal is in `refusal`.
 */
export async function readServerInfos(
  client: RedisClient,
  clock: MachineClock,
  patienceMs: number,
): Promise<{ readonly infos: readonly ServerInfo[]; readonly refusal: unknown }> {
  const nodes: readonly Redis[] = client instanceof Cluster ? client.nodes('master') : [client];
  const infos: ServerInfo[] = [];
  let refusal: unknown;
  await within(
    clock,
    patienceMs,
    Promise.all(
      nodes.map(async (node) => {
        try {
          const askedAtMs = clock.now();
          const text = await node.info();
          infos.push(parseInfo(text, (askedAtMs + clock.now()) / 2));
        } catch (error) {
          refusal = error;
        }
      }),
    ),
  );
  return { infos: [...infos], refusal };
}

/**
 * @param text lines of `name:value`, with headings between them.
 * @param nowMs when it was made, by the clock of this machine.
 */
function parseInfo(text: string, nowMs: number): ServerInfo {
  const fields = new Map(
    text.split(/\r?\n/).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
  const number = (name: string) => {
    const value = fields.get(name);
    return value === undefined ? undefined : Number(value);
  };
  const used = number('used_memory');
  const microseconds = number('server_time_usec');
  const appendOnly = fields.get('aof_enabled');
  return {
    runId: fields.get('run_id'),
    // Valkey has this field too: the version of Redis that it is compatible with.
    version: fields.get('redis_version'),
    hasAppendOnlyFile: appendOnly === undefined ? undefined : appendOnly !== '0',
    usedBytes: used === undefined ? undefined : used - (number('mem_not_counted_for_evict') ?? 0),
    maxBytes: number('maxmemory'),
    maxmemoryPolicy: fields.get('maxmemory_policy'),
    evictedKeys: number('evicted_keys'),
    clockAheadMs: microseconds === undefined ? undefined : microseconds / 1_000 - nowMs,
  };
}
