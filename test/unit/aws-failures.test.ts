import { expect, test } from 'vitest';
import { classifyCallError, codeAndMessage, describeAwsError } from '../../src/aws/failures.ts';

function failed(message: string, code: unknown): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError', code });
}

test.each([
  ['a code and a message', failed('socket hang up', 'ECONNRESET'), 'socket hang up', ' (ECONNRESET)'],
  ['a code alone', failed('', 'ECONNREFUSED'), 'ECONNREFUSED', ' (ECONNREFUSED)'],
  ['an undefined code', failed('', undefined), 'no message', ''],
  ['an undefined code and a message', failed('too late', undefined), 'too late', ''],
])('of an error with %s all is told in words', (_, error, detail, code) => {
  expect(classifyCallError(error).detail).toBe(`TimeoutError: ${detail}`);
  expect(describeAwsError(error)).toBe(`TimeoutError: ${error.message}${code}`);
});

test('a code without a message stands alone', () => {
  expect(codeAndMessage('InternalFailure', 'try again')).toBe('InternalFailure: try again');
  expect(codeAndMessage('InternalFailure', undefined)).toBe('InternalFailure');
  expect(codeAndMessage(undefined, 'try again')).toBe('without a code: try again');
});
