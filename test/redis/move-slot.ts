import { setTimeout as delay } from 'node:timers/promises';
import type { RedisClusterNode } from './start-redis-cluster.ts';

/** A slot that goes from one master to another. */
export interface SlotMove {
  readonly slot: number;
  readonly from: RedisClusterNode;
  readonly to: RedisClusterNode;
  readonly masters: readonly RedisClusterNode[];
}

/** How the keys go. */
export interface MoveOptions {
  /** 10 unless told otherwise, as many as `redis-cli --cluster reshard` moves at once. */
  readonly keysAtATime?: number;
  /** After each part of the keys, in milliseconds; a slot with many keys and a slow network takes its time. */
  readonly restMs?: number;
  /** Keys that go last; Redis gives them in an order of its own. */
  readonly goesLast?: (key: string) => boolean;
  /** Awaited when only the keys that go last are left. */
  readonly beforeLast?: () => Promise<void>;
}

const migrateTimeoutMs = 5_000;

/** Moves a slot as `redis-cli --cluster reshard` does. @returns how many keys it had. */
export async function moveSlot(move: SlotMove, options: MoveOptions = {}): Promise<number> {
  const { slot, from, to, masters } = move;
  const { goesLast = () => false } = options;
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
  await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
  let moved = await migrateAll(move, (key) => !goesLast(key), options);
  await options.beforeLast?.();
  moved += await migrateAll(move, () => true, options);
  // The new owner first: so nobody is sent back and forth.
  for (const { client } of [to, from, ...masters.filter((node) => node !== from && node !== to)]) {
    await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
  }
  return moved;
}

/** Which slot a key is in. */
export async function slotOf({ client }: RedisClusterNode, key: string): Promise<number> {
  return Number(await client.call('CLUSTER', 'KEYSLOT', key));
}

/** Until there are none, of those that come meanwhile too. */
async function migrateAll(
  { slot, from, to }: SlotMove,
  isMeant: (key: string) => boolean,
  { keysAtATime = 10, restMs = 0 }: MoveOptions,
): Promise<number> {
  let moved = 0;
  for (;;) {
    const count = Number(await from.client.call('CLUSTER', 'COUNTKEYSINSLOT', slot));
    const all = (await from.client.call('CLUSTER', 'GETKEYSINSLOT', slot, count)) as string[];
    const keys = all.filter(isMeant);
    if (keys.length === 0) {
      return moved;
    }
    for (let at = 0; at < keys.length; at += keysAtATime) {
      const some = keys.slice(at, at + keysAtATime);
      const target = ['127.0.0.1', to.server.port, '', 0, migrateTimeoutMs, 'KEYS', ...some];
      // Without REPLACE, as redis-cli does: a key that is at both fails the move.
      await from.client.call('MIGRATE', ...target);
      await delay(restMs);
    }
    moved += keys.length;
  }
}

async function idOf({ client }: RedisClusterNode): Promise<string> {
  return String(await client.call('CLUSTER', 'MYID'));
}
