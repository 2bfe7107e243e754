import type { IRedisClient } from 'bullmq';
import type { RedisClient } from './redis-clients.ts';
import { journalScripts } from './journal-script.ts';
import { steeringScripts } from './steering-scripts.ts';

/**
 * Our own Lua scripts by name; BullMQ brings its own. Each takes keys of one hash slot.
 *
 * What ends something that was begun also works when Redis has no memory left: its first write is one that
 * takes none (PEXPIRE, HDEL, DEL). Redis then refuses no later one either, so as not to cut a script in two:
 * https://redis.io/docs/latest/develop/programmability/eval-intro/.
 */
const scripts = {
  /**
   * Stores payments whose jobs are there. KEYS: the jobs, then the payments, in the same order. ARGV:
   * record and time to live of each payment. Answers how many jobs are missing.
   */
  paymentSimStore: `
    local n = #KEYS / 2
    local missing = 0
    for i = 1, n do
      if redis.call('EXISTS', KEYS[i]) == 1 then
        redis.call('SET', KEYS[n + i], ARGV[2 * i - 1], 'PX', ARGV[2 * i], 'NX')
      else
        missing = missing + 1
      end
    end
    return missing`,
  /**
   * Notes new payments in the index, a sorted set of ids by the time of creation. KEYS: the index. ARGV: how
   * the keys of all payments begin, then time and id of each; one that is there keeps its time. Nobody tells when a payment's time to live is
   * over: three random ones for each new one are looked at, so that about a third of an index that neither
   * grows nor shrinks is of payments that are gone.
   */
  paymentSimIndex: `
    redis.call('ZADD', KEYS[1], 'NX', unpack(ARGV, 2))
    for _, id in ipairs(redis.call('ZRANDMEMBER', KEYS[1], 3 * (#ARGV - 1) / 2)) do
      if redis.call('EXISTS', ARGV[1] .. id) == 0 then
        redis.call('ZREM', KEYS[1], id)
      end
    end
    return 1`,
  /**
   * Changes payments that are as they were. KEYS: the payments. ARGV for each: the head that it must have,
   * the new head, and the new time to live, 0 to leave that as it is. Answers 1 for one that it changed,
   * and nothing for one that has another head or is gone.
   */
  paymentSimChange: `
    local results = {}
    for i, key in ipairs(KEYS) do
      local head = ARGV[3 * i - 2]
      local record = redis.call('GET', key)
      results[i] = 0
      if record and string.sub(record, 1, #head) == head then
        local changed = ARGV[3 * i - 1] .. string.sub(record, #head + 1)
        if ARGV[3 * i] ~= '0' then
          redis.call('PEXPIRE', key, ARGV[3 * i])
        end
        redis.call('SET', key, changed, 'KEEPTTL')
        results[i] = 1
      end
    end
    return results`,
  /**
   * Reserves an idempotency key, a hash of fingerprint, value, and as long as its call runs the token of
   * the owner and when its lease ends. ARGV: fingerprint, value, token, lease, time to live, and how all
   * tokens of this process begin. A process runs one call per key at a time, so a reservation of its own
   * that it finds is of a call that has failed. Answers the state of the key and its value.
   */
  paymentSimReserve: `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local known = redis.call('HMGET', KEYS[1], 'fingerprint', 'value', 'token', 'lease')
    if not known[1] then
      redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'value', ARGV[2], 'token', ARGV[3], 'lease', now + ARGV[4])
      redis.call('PEXPIRE', KEYS[1], ARGV[4] + ARGV[5])
      return {'owned', ARGV[2]}
    end
    if known[1] ~= ARGV[1] then
      return {'mismatch', ''}
    end
    if not known[3] then
      return {'done', known[2]}
    end
    local isOwn = string.sub(known[3], 1, #ARGV[6]) == ARGV[6]
    if not isOwn and known[4] and tonumber(known[4]) > now then
      return {'busy', known[2]}
    end
    redis.call('HDEL', KEYS[1], 'lease')
    redis.call('HSET', KEYS[1], 'token', ARGV[3], 'lease', now + ARGV[4])
    return {'taken over', known[2]}`,
  /** Ends the reservation of ARGV[1], the token, and keeps the value for ARGV[2] milliseconds. */
  paymentSimComplete: `
    if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
      redis.call('HDEL', KEYS[1], 'token', 'lease')
      redis.call('PEXPIRE', KEYS[1], ARGV[2])
    end
    return 1`,
  /** Ends the lease of ARGV[1], the token: the next call with the key does the same again. */
  paymentSimYield: `
    if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
      redis.call('HDEL', KEYS[1], 'lease')
    end
    return 1`,
  /** Gives the key back that ARGV[1], the token, has reserved. */
  paymentSimRelease: `
    if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
      redis.call('DEL', KEYS[1])
    end
    return 1`,
  /**
   * Notes attempts. KEYS: the lists of their payments. ARGV: how many attempts to keep, then for each the
   * attempt and until when.
   */
  paymentSimNote: `
    for i, key in ipairs(KEYS) do
      redis.call('RPUSH', key, ARGV[2 * i])
      redis.call('LTRIM', key, -ARGV[1], -1)
      redis.call('PEXPIREAT', key, ARGV[2 * i + 1])
    end
    return KEYS`,
  /**
   * Removes payments that are as they were. KEYS: the index, then the payments. ARGV for each: its record and its id.
   * Answers 1 for one that it removed, 0 for one that is another one now or gone.
   */
  paymentSimRemove: `
    local results = {}
    for i = 2, #KEYS do
      local at = 2 * i - 3
      results[i - 1] = 0
      if redis.call('GET', KEYS[i]) == ARGV[at] then
        redis.call('DEL', KEYS[i])
        redis.call('ZREM', KEYS[1], ARGV[at + 1])
        results[i - 1] = 1
      end
    end
    return results`,
  ...steeringScripts,
  ...journalScripts,
} as const;

/** The name of a script. */
export type ScriptName = keyof typeof scripts;

/** Makes the scripts known to a client; Redis gets each with its first use on a connection. */
export function defineScripts(client: RedisClient): void {
  for (const [name, lua] of Object.entries(scripts)) {
    client.defineCommand(name, { lua });
  }
}

/** What a script is called with: how many of the values are keys, the keys, and the arguments. */
export function scriptArguments(
  keys: readonly string[],
  values: readonly (string | number)[],
): readonly (string | number)[] {
  return [keys.length, ...keys, ...values];
}

/** Runs a script, which answers as `scripts` says. */
export function runScript<Answer>(
  client: IRedisClient,
  name: ScriptName,
  keys: readonly string[],
  values: readonly (string | number)[],
): Promise<Answer> {
  return client.runCommand(name, [...scriptArguments(keys, values)]);
}
