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
   * Stores payments in buckets whose jobs are there and have not begun, each with its idempotency key if it has one.
   * KEYS: the count of pending payments, the index, what closes the shard, for each bucket its job and its set, then for
   * each payment its key and its idempotency key, if it has one. ARGV: how the keys of all payments begin, the time to live of idempotency
   * keys, 1 to note payments in the index, how many buckets, then for each payment the number of its bucket, from 1,
   * its id, record and time to live, 1 for an idempotency key, the fingerprint of its call, and when it was created.
   * A slot on its way to another node has some of its keys: Redis refuses the script then, but not what it finds by
   * itself, so that a key that has not arrived yet would seem to be unused. Answers for each:
   * 'replayed' and the id of the payment that the same call has made; 'mismatch' when another call has the key;
   * 'closed' and to how many shards unknown keys go instead; 'absent' or 'begun', of the job of its bucket; or 'stored',
   * also when it was there.
   *
   * The index is a sorted set of ids by the time of creation. Nobody tells when a payment's time to live is over: three
   * random ones for each new one are looked at, so that about a third of an index that neither grows nor shrinks is of
   * payments that are gone.
   */
  paymentSimStore: `
    local states = {}
    local buckets = tonumber(ARGV[4])
    for b = 1, buckets do
      local job = redis.call('HMGET', KEYS[2 * b + 2], 'timestamp', 'processedOn')
      states[b] = not job[1] and 'absent' or job[2] and 'begun' or 'stored'
    end
    local closed = redis.call('GET', KEYS[3])
    local results, added, noted, at = {}, 0, {}, 3 + 2 * buckets
    for i = 5, #ARGV, 7 do
      local id, fingerprint = ARGV[i + 1], ARGV[i + 5]
      local b = tonumber(ARGV[i])
      local result = states[b]
      local payment, key = KEYS[at + 1], ARGV[i + 4] == '1' and KEYS[at + 2]
      at = at + (key and 2 or 1)
      local known = key and redis.call('GET', key)
      if known then
        local same = fingerprint .. ' '
        result = string.sub(known, 1, #same) == same and 'replayed ' .. string.sub(known, #same + 1) or 'mismatch'
      elseif key and closed then
        result = 'closed ' .. closed
      elseif result == 'stored' then
        if redis.call('SET', payment, ARGV[i + 2], 'PX', ARGV[i + 3], 'NX') then
          added = added + redis.call('SADD', KEYS[2 * b + 3], id)
          noted[#noted + 1] = ARGV[i + 6]
          noted[#noted + 1] = id
        end
        if key then
          redis.call('SET', key, fingerprint .. ' ' .. id, 'PX', ARGV[2])
        end
      end
      results[#results + 1] = result
    end
    if added > 0 then
      redis.call('INCRBY', KEYS[1], added)
      if ARGV[3] == '1' then
        redis.call('ZADD', KEYS[2], 'NX', unpack(noted))
        for _, id in ipairs(redis.call('ZRANDMEMBER', KEYS[2], 3 * added)) do
          -- An error, where it is at another node as yet, is not 0.
          if redis.pcall('EXISTS', ARGV[1] .. id) == 0 then
            redis.call('ZREM', KEYS[2], id)
          end
        end
      end
    end
    return results`,
  /**
   * Changes a payment that is as it was, and moves it to another bucket. KEYS: the payment, the bucket that it is in,
   * the job of the other bucket, and that bucket. ARGV: the head that it must have, the new head, the new time to live
   * (0 to leave that as it is), and its id. Answers 'moved', 'changed' when it is not as it was, and as
   * paymentSimStore 'absent' or 'begun'.
   */
  paymentSimMove: `
    local job = redis.call('HMGET', KEYS[3], 'timestamp', 'processedOn')
    if not job[1] then
      return 'absent'
    end
    if job[2] then
      return 'begun'
    end
    local record = redis.call('GET', KEYS[1])
    if not record or string.sub(record, 1, #ARGV[1]) ~= ARGV[1] then
      return 'changed'
    end
    if redis.call('SREM', KEYS[2], ARGV[4]) == 1 then
      redis.call('SADD', KEYS[4], ARGV[4])
    end
    if ARGV[3] ~= '0' then
      redis.call('PEXPIRE', KEYS[1], ARGV[3])
    end
    redis.call('SET', KEYS[1], ARGV[2] .. string.sub(record, #ARGV[1] + 1), 'KEEPTTL')
    return 'moved'`,
  /**
   * Reads a part of a bucket. KEYS: the bucket. ARGV: how the keys of payments begin, where to go on ('0' to begin),
   * and about how many. Answers where to go on after these ('0' at the end), then id and record of each; the record
   * is empty when it is gone. The bucket is among those read for what Redis then sees to: of several keys none may be
   * at another node, while a single one that has not arrived yet would seem to be gone.
   */
  paymentSimClaim: `
    local page = redis.call('SSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
    local answer, keys = { page[1] }, { KEYS[1] }
    for i, id in ipairs(page[2]) do
      keys[i + 1] = ARGV[1] .. id
    end
    local records = redis.call('MGET', unpack(keys))
    for i, id in ipairs(page[2]) do
      answer[#answer + 1] = id
      answer[#answer + 1] = records[i + 1] or ''
    end
    return answer`,
  /**
   * Takes payments out of their buckets. KEYS: the count of pending payments, then the buckets. ARGV for each bucket:
   * how many, then their ids.
   */
  paymentSimTold: `
    local at, told = 1, 0
    for b = 2, #KEYS do
      local last = at + ARGV[at]
      told = told + redis.call('SREM', KEYS[b], unpack(ARGV, at + 1, last))
      at = last + 1
    end
    if told > 0 then
      redis.call('DECRBY', KEYS[1], told)
    end
    return told`,
  /**
   * Changes payments that are as they were. KEYS: the payments, then jobs that must be there. ARGV for each payment:
   * the head that it must have, the new head, and the new time to live, 0 to leave that as it is. Answers 1 for one
   * that it changed, 0 for one that has another head or is gone, and nothing at all when a job is missing.
   */
  paymentSimChange: `
    local results, payments = {}, #ARGV / 3
    for i = payments + 1, #KEYS do
      if redis.call('EXISTS', KEYS[i]) == 0 then
        return {}
      end
    end
    for i = 1, payments do
      local key = KEYS[i]
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
    local keep = tonumber(ARGV[1])
    for i, key in ipairs(KEYS) do
      local length = redis.call('RPUSH', key, ARGV[2 * i])
      if length == 1 then
        redis.call('PEXPIREAT', key, ARGV[2 * i + 1])
      elseif length > keep then
        redis.call('LTRIM', key, -keep, -1)
      end
    end
    return 1`,
  /**
   * Removes payments that are as they were, from their buckets too. KEYS: the index, the count of pending payments,
   * then each payment and its bucket. ARGV for each: its record and id. Answers 1 for one that it removed, 0 for one
   * that is another one now or gone.
   */
  paymentSimRemove: `
    local results, waiting = {}, 0
    for i = 1, #ARGV / 2 do
      local payment, record, id = KEYS[2 * i + 1], ARGV[2 * i - 1], ARGV[2 * i]
      results[i] = 0
      if redis.call('GET', payment) == record then
        redis.call('DEL', payment)
        redis.call('ZREM', KEYS[1], id)
        waiting = waiting + redis.call('SREM', KEYS[2 * i + 2], id)
        results[i] = 1
      end
    end
    if waiting > 0 then
      redis.call('DECRBY', KEYS[2], waiting)
    end
    return results`,
  /** Replaces a value that is as it was. KEYS: where it is. ARGV: as it must be, and the new one. Answers 1 when it was. */
  paymentSimReplace: `
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then
      return 0
    end
    redis.call('SET', KEYS[1], ARGV[2])
    return 1`,
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

/** Runs a script, which answers as `scripts` says. */
export function runScript<Answer>(
  client: IRedisClient,
  name: ScriptName,
  keys: readonly string[],
  values: readonly (string | number)[],
): Promise<Answer> {
  return client.runCommand(name, [keys.length, ...keys, ...values]);
}
