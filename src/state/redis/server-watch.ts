import type { MachineClock } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { PaymentError } from '../../payment/errors.ts';
import { createLimitedLog } from './limited-log.ts';
import type { RedisClient } from './redis-clients.ts';
import { describeRedisError } from './redis-error.ts';
import { readServerInfos, type ServerInfo } from './server-info.ts';
import { UnfitRedisError } from './unfit-error.ts';

/** Watches what Redis tells of itself: its memory, whether it evicts keys, whether it keeps its data. */
export interface ServerWatch {
  /**
   * Asks Redis; once in a second is often enough. Of what does not answer nothing changes.
   *
   * @throws UnfitRedisError when Redis is too old, or may not be asked.
   */
  readonly look: () => Promise<void>;
  /** Redis has refused a write for want of memory: full until the next look, at least. */
  readonly noteFull: () => void;
  /** Why no new payment may be stored, for operators; undefined when it may. */
  readonly problem: () => string | undefined;
  /** The same for the caller. */
  readonly refusal: () => PaymentError | undefined;
  /** How much of `maxmemory` is used, 0 to about 1, of the fullest master; 0 without a limit. */
  readonly usedShare: () => number;
  /** How far the clock of Redis is ahead of the one of this machine, in seconds; of a cluster that of the furthest master. */
  readonly clockSkew: () => number;
}

interface ServerWatchDeps {
  readonly client: RedisClient;
  readonly clock: MachineClock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Whether a Redis that evicts keys takes no payments; otherwise there is a warning. */
  readonly requireNoEviction: boolean;
}

interface Watch {
  readonly deps: ServerWatchDeps;
  readonly noteEvictions: (policy: string, keys: number) => void;
  /** How many keys each master had evicted when it was asked last, by its run id. */
  readonly evictedKeys: Map<string, number>;
  /** Whether Redis has refused a write for want of memory since the last look. */
  hasRefused: boolean;
  isFull: boolean;
  usedShare: number;
  clockAheadMs: number;
  isSkewed: boolean;
  /** Other than `noeviction`. */
  evictionPolicy: string | undefined;
  hasToldOfAppendOnly: boolean;
}

/**
 * At this share of `maxmemory` no payment is taken any more. Those that are there need the rest: until all is
 * delivered one may take half as much again (its retries, its attempts), see "Sizing" in docs/operations.md.
 */
const fullShare = 0.9;
/** Below this share payments are taken again. */
const roomShare = 0.85;
/** For the answers of all masters together, in milliseconds. */
const patienceMs = 1_000;
/** Replicas whose clocks differ by more settle as much too early or too late what others have made. */
const maxClockSkewMs = 1_000;
const minVersion = { major: 6, minor: 2 };

/** See `ServerWatch`. */
export function createServerWatch(deps: ServerWatchDeps): ServerWatch {
  const self: Watch = {
    deps,
    noteEvictions: createLimitedLog(deps.clock, (policy: string, keys) =>
      deps.logger.error(
        { evicted_keys: keys, maxmemory_policy: policy },
        'Redis has evicted keys: payments, schedules or webhooks may be lost',
      ),
    ),
    evictedKeys: new Map(),
    hasRefused: false,
    isFull: false,
    usedShare: 0,
    clockAheadMs: 0,
    isSkewed: false,
    evictionPolicy: undefined,
    hasToldOfAppendOnly: false,
  };
  return {
    look: () => look(self),
    noteFull() {
      self.hasRefused = true;
      setFull(self, true);
    },
    problem: () => problemOf(self),
    refusal: () => refusalOf(self),
    usedShare: () => self.usedShare,
    clockSkew: () => self.clockAheadMs / 1_000,
  };
}

async function look(self: Watch): Promise<void> {
  const { client, clock, logger } = self.deps;
  const { infos, refusal } = await readServerInfos(client, clock, patienceMs);
  checkPermission(refusal);
  infos.forEach(checkVersion);
  if (!self.hasToldOfAppendOnly && infos.some((info) => info.hasAppendOnlyFile === false)) {
    self.hasToldOfAppendOnly = true;
    logger.warn(
      'Redis has no append-only file: what it was told last is lost when it crashes; set appendonly to yes',
    );
  }
  if (infos.length > 0) {
    setPolicy(self, infos.map((info) => info.maxmemoryPolicy).find(evicts));
    self.usedShare = Math.max(...infos.map(shareOf));
    lookAtClocks(self, infos);
  }
  lookAtMemory(self);
  countEvictions(self, infos);
}

/** BullMQ asks for it with each connection; without an answer its workers do nothing, and nothing settles. */
function checkPermission(refusal: unknown): void {
  const error = refusal === undefined ? '' : describeRedisError(refusal);
  if (/^NOPERM|unknown command/i.test(error)) {
    throw new UnfitRedisError(`Redis refuses INFO (${error}): permit it to the user of REDIS_URL`);
  }
}

function checkVersion({ version }: ServerInfo): void {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  if (
    version !== undefined &&
    (major < minVersion.major || (major === minVersion.major && minor < minVersion.minor))
  ) {
    throw new UnfitRedisError(`Redis ${version} is too old: 6.2 or later is needed`);
  }
}

function evicts(policy: string | undefined): policy is string {
  return policy !== undefined && policy !== 'noeviction';
}

function shareOf({ usedBytes, maxBytes }: ServerInfo): number {
  return usedBytes === undefined || maxBytes === undefined || maxBytes === 0 ? 0 : usedBytes / maxBytes;
}

function lookAtClocks(self: Watch, infos: readonly ServerInfo[]): void {
  const ahead = infos.map(({ clockAheadMs = 0 }) => clockAheadMs);
  self.clockAheadMs = ahead.toSorted((one, other) => Math.abs(other) - Math.abs(one))[0] ?? 0;
  const isSkewed = Math.abs(self.clockAheadMs) > maxClockSkewMs;
  if (isSkewed !== self.isSkewed) {
    self.isSkewed = isSkewed;
    const fields = { redis_ahead_ms: Math.round(self.clockAheadMs) };
    if (isSkewed) {
      self.deps.logger.warn(
        fields,
        'The clocks of Redis and of this machine differ: payments settle as much too early or too late; set both by NTP',
      );
    } else {
      self.deps.logger.info(fields, 'The clocks of Redis and of this machine agree again');
    }
  }
}

function lookAtMemory(self: Watch): void {
  const { isFull, hasRefused, usedShare } = self;
  self.hasRefused = false;
  setFull(self, hasRefused || usedShare >= (isFull ? roomShare : fullShare));
}

function setFull(self: Watch, isFull: boolean): void {
  if (isFull === self.isFull) {
    return;
  }
  self.isFull = isFull;
  const used = { used_share: Number(self.usedShare.toFixed(3)) };
  if (isFull) {
    self.deps.logger.error(used, 'Redis is full: no new payments are taken');
  } else {
    self.deps.logger.info(used, 'Redis has room again: new payments are taken');
  }
}

function setPolicy(self: Watch, policy: string | undefined): void {
  if (policy === self.evictionPolicy) {
    return;
  }
  self.evictionPolicy = policy;
  const { logger, requireNoEviction } = self.deps;
  if (policy === undefined) {
    logger.info('Redis evicts nothing any more');
    return;
  }
  logger[requireNoEviction ? 'error' : 'warn'](
    { maxmemory_policy: policy },
    'Redis may throw payments and schedules away when its memory is full: set maxmemory-policy to noeviction',
  );
}

function countEvictions({ evictedKeys, noteEvictions, deps }: Watch, infos: readonly ServerInfo[]): void {
  // What was evicted before the first look is not news; a master that is new later counts from its start.
  const isFirst = evictedKeys.size === 0;
  for (const { runId = '', evictedKeys: now = 0, maxmemoryPolicy = 'unknown' } of infos) {
    const before = isFirst ? now : (evictedKeys.get(runId) ?? 0);
    evictedKeys.set(runId, now);
    if (now > before) {
      deps.metrics.redisEvictedKeys.inc(now - before);
      noteEvictions(maxmemoryPolicy, now - before);
    }
  }
}

function problemOf(self: Watch): string | undefined {
  const { evictionPolicy, isFull, usedShare, deps } = self;
  if (deps.requireNoEviction && evictionPolicy !== undefined) {
    return `Redis may throw payments away: its maxmemory-policy is ${evictionPolicy}, and must be noeviction in production`;
  }
  return isFull
    ? `Redis is full (${toPercent(usedShare)} of maxmemory): no new payments are taken before it is below ${toPercent(roomShare)}`
    : undefined;
}

function refusalOf({ evictionPolicy, isFull, deps }: Watch): PaymentError | undefined {
  if (deps.requireNoEviction && evictionPolicy !== undefined) {
    const detail = 'may throw payments away, which its operator has to change (maxmemory-policy)';
    return new PaymentError({ kind: 'state-unavailable', detail });
  }
  return isFull ? new PaymentError({ kind: 'state-full' }) : undefined;
}

function toPercent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
