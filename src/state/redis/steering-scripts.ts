/**
 * Counts a call with a reservation; answers how many there were with it. A hash that is full begins anew, one that
 * nobody uses expires. The set of names is used as often as what it names, so neither outlives the other for long.
 */
const countReservation = `
    local function countReservation(hash, names, reservation, limit, ttl)
      if redis.call('HLEN', hash) >= tonumber(limit) and redis.call('HEXISTS', hash, reservation) == 0 then
        redis.call('UNLINK', hash)
      end
      local count = redis.call('HINCRBY', hash, reservation, 1)
      redis.call('PEXPIRE', hash, ttl)
      redis.call('SADD', names, hash)
      redis.call('PEXPIRE', names, ttl)
      return count
    end`;

/**
 * The next epoch of what testers set. By the clock, and always greater than the one before: when Redis has lost
 * what it had, the epochs that follow are none of those that were.
 */
const nextEpoch = `
    local function nextEpoch(key)
      local time = redis.call('TIME')
      local now = time[1] * 1000000 + time[2]
      return math.max(now, tonumber(redis.call('GET', key) or 0) + 1)
    end
    local function asText(epoch)
      return string.format('%.0f', epoch)
    end`;

/** The Lua scripts of what testers set; see `scripts` in redis-scripts.ts for what holds for all. */
export const steeringScripts = {
  /**
   * Puts what testers set. KEYS: epoch, changes, documents, and when sessions were used. ARGV: how many changes to
   * remember, how many documents, key and JSON of each, and the sessions that are in use by that. Answers the
   * epoch. When there are documents of a session it is also known when it was used.
   */
  paymentSimSteer: `${nextEpoch}
    local epoch = nextEpoch(KEYS[1])
    local sessions = 3 + 2 * ARGV[2]
    for i = 3, sessions - 1, 2 do
      redis.call('HSET', KEYS[3], ARGV[i], asText(epoch) .. ' ' .. ARGV[i + 1])
      redis.call('ZADD', KEYS[2], asText(epoch), ARGV[i])
      redis.call('SET', KEYS[1], asText(epoch))
      epoch = epoch + 1
    end
    local time = redis.call('TIME')
    for i = sessions, #ARGV do
      redis.call('ZADD', KEYS[4], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[i])
    end
    redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[1])
    return redis.call('GET', KEYS[1])`,
  /**
   * Removes what testers have set. KEYS: epoch, changes, documents. ARGV: how many changes to remember, and the
   * keys of the documents. Answers the epoch, which stays the same when none of them was there.
   */
  paymentSimUnsteer: `${nextEpoch}
    for i = 2, #ARGV do
      if redis.call('HDEL', KEYS[3], ARGV[i]) == 1 then
        local epoch = asText(nextEpoch(KEYS[1]))
        redis.call('ZADD', KEYS[2], epoch, ARGV[i])
        redis.call('SET', KEYS[1], epoch)
      end
    end
    redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[1])
    return redis.call('GET', KEYS[1]) or '0'`,
  /**
   * Reads what has changed after an epoch, all at one moment. KEYS: epoch, changes, documents. ARGV: that epoch.
   * Who knows less than what is remembered of changes, or more than Redis does, is told of all documents: each
   * change that is remembered is then news anyway, or some are no longer. Answers the epoch, whether these are
   * all documents, how many there are, and key and document of each, none of one that is gone.
   */
  paymentSimSteering: `
    local epoch = redis.call('GET', KEYS[1]) or '0'
    local count = redis.call('HLEN', KEYS[3])
    local known = tonumber(ARGV[1])
    local first = tonumber(redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2])
    if not first or known < first or known > tonumber(epoch) then
      return {epoch, 1, count, redis.call('HGETALL', KEYS[3])}
    end
    local found = {}
    for i, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf')) do
      found[2 * i - 1] = key
      found[2 * i] = redis.call('HGET', KEYS[3], key)
    end
    return {epoch, 0, count, found}`,
  /**
   * Counts a call that fits a rule, and answers 1 when the rule applies to it. KEYS: the counts of its session;
   * where each reservation counts by itself, their counts and the set of names too. ARGV: the rule, how many calls
   * it lets pass, to how many it applies (0: all), how long the session's counts live without use (0: for ever),
   * and then reservation, bound and time to live.
   */
  paymentSimFire: `${countReservation}
    local seen
    if #KEYS == 1 then
      seen = redis.call('HINCRBY', KEYS[1], 'seen:' .. ARGV[1], 1)
    else
      seen = countReservation(KEYS[2], KEYS[3], ARGV[5], ARGV[6], ARGV[7])
    end
    local skip, times = tonumber(ARGV[2]), tonumber(ARGV[3])
    local applies = seen > skip and (times == 0 or seen <= skip + times)
    if applies then
      redis.call('HINCRBY', KEYS[1], 'fired:' .. ARGV[1], 1)
    end
    if ARGV[4] ~= '0' then
      redis.call('PEXPIRE', KEYS[1], ARGV[4])
    end
    return applies and 1 or 0`,
  /** Counts a draw of a reservation. KEYS: its rule's counts, the set of names. ARGV: reservation, bound, time to live. */
  paymentSimDraw: `${countReservation}
    return countReservation(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])`,
  /**
   * Forgets the counts of a session and when it was used. KEYS: its counts, the set of names, when sessions were
   * used. ARGV: the session. What is large is freed in the background.
   */
  paymentSimForgetSession: `
    for _, name in ipairs(redis.call('SMEMBERS', KEYS[2])) do
      redis.call('UNLINK', name)
    end
    redis.call('UNLINK', KEYS[1], KEYS[2])
    return redis.call('ZREM', KEYS[3], ARGV[1])`,
  /** Forgets the counts of a rule. KEYS: its session's counts, the set of names, the rule's by reservation. ARGV: the rule. */
  paymentSimForgetRule: `
    redis.call('UNLINK', KEYS[3], KEYS[4])
    redis.call('SREM', KEYS[2], KEYS[3], KEYS[4])
    return redis.call('HDEL', KEYS[1], 'seen:' .. ARGV[1], 'fired:' .. ARGV[1])`,
  /**
   * Notes that a session is in use, by Redis' clock. KEYS: when sessions were used, the session's counts. ARGV: the
   * session, after how long without use others are forgotten, and how long the counts live without (0: for ever).
   */
  paymentSimUse: `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
    redis.call('ZADD', KEYS[1], now, ARGV[1])
    if ARGV[3] ~= '0' then
      redis.call('PEXPIRE', KEYS[2], ARGV[3])
    end
    return 1`,
  /** How many milliseconds ago the session ARGV[1] was used, by Redis' clock; -1: never. KEYS: when sessions were used. */
  paymentSimUsed: `
    local used = redis.call('ZSCORE', KEYS[1], ARGV[1])
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    return used and math.max(0, now - used) or -1`,
} as const;
