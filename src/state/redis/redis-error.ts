/** What a failure of Redis means for the call that it stopped. */
export type RedisFailure =
  | { readonly kind: 'full' }
  /** It may pass. `detail` is for callers: it follows on "it", which is Redis, and has nothing of Redis' own words. */
  | { readonly kind: 'unavailable'; readonly detail: string }
  /** Trying again would not help: a defect, or keys that somebody else has written. */
  | { readonly kind: 'fault' };

/**
 * By the code with which an answer begins, see
 * https://github.com/redis/redis/blob/7.0.15/src/server.c (`createSharedObjects`).
 */
const unavailableDetails: ReadonlyMap<string, string> = new Map([
  ['LOADING', 'is still reading its data'],
  ['BUSY', 'is busy with a script'],
  ['NOSCRIPT', 'was started again'],
  ['READONLY', 'takes no writes at the moment'],
  ['MASTERDOWN', 'has lost its primary'],
  ['NOREPLICAS', 'has too few replicas to take writes'],
  ['MISCONF', 'cannot write to its disk'],
  ['CLUSTERDOWN', 'has nodes missing'],
  ['TRYAGAIN', 'is moving data between its nodes'],
  ['ASK', 'is moving data between its nodes'],
  ['MOVED', 'is a cluster, which this service was not told'],
  ['CROSSSLOT', 'is a cluster, which this service was not told'],
  ['NOAUTH', 'does not know this service'],
  ['WRONGPASS', 'does not know this service'],
  ['NOPERM', 'does not permit this service all that it needs'],
]);

/** Redis 6.2 puts words of its own before the code of what a script was answered. */
const codePattern = /^(?:ERR Error running script.*?: -?)?([A-Z]+)\b/;

/** What a script is answered that touches a key which its slot's move has taken to another node, or not brought yet. */
const nonLocalKey = /\bnon local key\b/;

/** Sorts an error that the Redis client or BullMQ rejected with. */
export function failureOf(error: unknown): RedisFailure {
  if (isOutOfMemory(error)) {
    return { kind: 'full' };
  }
  if (!(error instanceof Error) || isDefect(error)) {
    return { kind: 'fault' };
  }
  // The client's other errors tell of the connection, as do those of Node's sockets.
  if (error.name !== 'ReplyError') {
    return { kind: 'unavailable', detail: 'cannot be reached' };
  }
  if (hasMessage(error, nonLocalKey)) {
    return { kind: 'unavailable', detail: 'is moving data between its nodes' };
  }
  for (const { message } of [...reasonsOf(error), error]) {
    const detail = unavailableDetails.get(codePattern.exec(message)?.[1] ?? '');
    if (detail !== undefined) {
      return { kind: 'unavailable', detail };
    }
  }
  return { kind: 'fault' };
}

/** JavaScript's own errors, and BullMQ's, which have a number for a code. */
function isDefect(error: Error): boolean {
  return (
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof SyntaxError ||
    error instanceof ReferenceError ||
    ('code' in error && typeof error.code === 'number')
  );
}

/** A `fault`, in Redis' words. It has nothing of the command that failed, so it may be logged. */
export class RedisFaultError extends Error {
  constructor(error: unknown) {
    super(describeRedisError(error));
    this.name = 'RedisFaultError';
  }
}

/**
 * What an error of the Redis client says, without anything of the command that failed: the client's
 * errors carry that along, and with it passwords and payments.
 */
export function describeRedisError(error: unknown): string {
  if (!(error instanceof Error)) {
    return 'unknown error';
  }
  // Several addresses of one name were tried: the message is in the parts.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(describeRedisError).join('; ');
  }
  const message = error.message === '' ? error.name : error.message;
  const [reason] = reasonsOf(error);
  return reason === undefined ? message : `${message} (${reason.message})`;
}

/** Whether Redis refused to write because `maxmemory` is reached. */
export function isOutOfMemory(error: unknown): boolean {
  // A script passes on what its commands were answered, with its own words before it.
  return hasMessage(error, /\bOOM command not allowed/);
}

/** Whether Redis refused to write because it follows another one, as the former master does after a failover. */
export function isReadOnly(error: unknown): boolean {
  return hasMessage(error, /\bREADONLY\b/);
}

/** Also in the errors of the commands because of which a transaction was not carried out. */
function hasMessage(error: unknown, text: RegExp): boolean {
  return error instanceof Error && [error, ...reasonsOf(error)].some(({ message }) => text.test(message));
}

/** Among the reasons, and among theirs, may be the first one again. */
function reasonsOf(error: Error): readonly Error[] {
  const reasons: unknown = 'previousErrors' in error ? error.previousErrors : [];
  return Array.isArray(reasons)
    ? reasons.filter((each): each is Error => each instanceof Error && each !== error)
    : [];
}
