import { expect, test } from 'vitest';
import { describeRedisError, failureOf, isOutOfMemory } from '../../src/state/redis/redis-error.ts';

function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

test('an error that is among the reasons of its own', () => {
  const aborted = replyError('EXECABORT Transaction discarded because of previous errors.');
  const reasons: Error[] = [aborted];
  Object.assign(aborted, { previousErrors: reasons });
  expect(isOutOfMemory(aborted)).toBe(false);
  expect(failureOf(aborted)).toEqual({ kind: 'fault' });

  reasons.push(replyError("OOM command not allowed when used memory > 'maxmemory'."));
  expect(isOutOfMemory(aborted)).toBe(true);
  expect(failureOf(aborted)).toEqual({ kind: 'full' });
  expect(describeRedisError(aborted)).toMatch(/^EXECABORT .* \(OOM .*\)$/);
});

test.each([
  ['LOADING Redis is loading the dataset in memory', 'unavailable'],
  ["READONLY You can't write against a read only replica.", 'unavailable'],
  ['MOVED 3999 127.0.0.1:6381', 'unavailable'],
  ['CLUSTERDOWN Hash slot not served', 'unavailable'],
  ['NOSCRIPT No matching script. Please use EVAL.', 'unavailable'],
  ['MISCONF Redis is configured to save RDB snapshots', 'unavailable'],
  [
    "ERR Error running script (call to f_9): @user_script:12: @user_script: 12: -READONLY You can't",
    'unavailable',
  ],
  [
    'ERR Error running script (call to f_9): @user_script: 2: -OOM command not allowed when used memory',
    'full',
  ],
  ["OOM command not allowed when used memory > 'maxmemory'. script: 16411bf3, on @user_script:3.", 'full'],
  [
    'WRONGTYPE Operation against a key holding the wrong kind of value script: 1641, on @user_script:3.',
    'fault',
  ],
  ["ERR unknown command 'MULTI'", 'fault'],
])('%s', (message, kind) => {
  const failure = failureOf(replyError(message));
  expect(failure.kind).toBe(kind);
  expect(JSON.stringify(failure)).not.toMatch(/[A-Z]{3,}/);
});

test('of errors that are no answers, those of the connection may pass, and defects do not', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  for (const error of [reset, new Error('Connection is closed.'), new AggregateError([reset])]) {
    expect(failureOf(error)).toEqual({ kind: 'unavailable', detail: 'cannot be reached' });
  }
  const bull = Object.assign(new Error('Missing key for job 1'), { code: -1 });
  for (const error of [new TypeError('x is not a function'), bull, 'text']) {
    expect(failureOf(error)).toEqual({ kind: 'fault' });
  }
});
