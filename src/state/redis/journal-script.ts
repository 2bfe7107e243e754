/** Our own Lua script of the journal; see `scripts` in redis-scripts.ts. */
export const journalScripts = {
  /**
   * Adds entries to the journal, and takes the oldest out when there are too many bytes. KEYS: the stream, and a hash
   * with its life, the number of the next entry, and the bytes of all. ARGV: how many bytes there may be, how long both
   * keys live, then the entries; none only looks, and begins the journal if there is none. A journal that begins has a
   * greater life than every one before, when Redis has lost what it had. Answers life and the number of the next entry.
   */
  paymentSimJournal: `
    local life = redis.call('HGET', KEYS[2], 'life')
    if not life then
      local time = redis.call('TIME')
      life = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
      redis.call('DEL', KEYS[1])
      redis.call('HSET', KEYS[2], 'life', life, 'next', 1, 'bytes', 0)
    end
    local count = #ARGV - 2
    local nextNumber = redis.call('HINCRBY', KEYS[2], 'next', count)
    local added = 0
    for i = 1, count do
      local value = ARGV[i + 2]
      local number = string.format('%.0f', nextNumber - count + i - 1)
      redis.call('XADD', KEYS[1], life .. '-' .. number, 'entry', value)
      added = added + #value
    end
    local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', added)
    local limit = tonumber(ARGV[1])
    while bytes > limit do
      local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 64)
      local taken = 0
      for _, entry in ipairs(oldest) do
        if bytes - taken > limit then
          taken = taken + #entry[2][2]
          redis.call('XDEL', KEYS[1], entry[1])
        end
      end
      if taken == 0 then
        redis.call('HSET', KEYS[2], 'bytes', 0)
        break
      end
      bytes = redis.call('HINCRBY', KEYS[2], 'bytes', -taken)
    end
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
    return {life, string.format('%.0f', nextNumber)}`,
} as const;
