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
  return error.message === '' ? error.name : error.message;
}

/** Whether Redis refused to write because `maxmemory` is reached. */
export function isOutOfMemory(error: unknown): boolean {
  return hasMessage(error, 'OOM command not allowed');
}

/** Whether Redis has forgotten a script that the client believes it knows. */
export function isScriptMissing(error: unknown): boolean {
  return hasMessage(error, 'NOSCRIPT');
}

/** Whether Redis refused to write because it follows another one, as the former master does after a failover. */
export function isReadOnly(error: unknown): boolean {
  return hasMessage(error, 'READONLY');
}

/**
 * Also in the errors of the commands because of which a transaction was not carried out; not in theirs,
 * among which may be the first one again.
 */
function hasMessage(error: unknown, text: string): boolean {
  if (!(error instanceof Error)) {
    return false;
  }
  const reasons: unknown = 'previousErrors' in error ? error.previousErrors : [];
  return [error, ...(Array.isArray(reasons) ? reasons : [])].some(
    (each) => each instanceof Error && each.message.includes(text),
  );
}
