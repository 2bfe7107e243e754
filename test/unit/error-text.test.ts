import { expect, test } from 'vitest';
import { describeError, errorMessage } from '../../src/base/error-text.ts';

test.each([
  ['a message', new Error('broken'), 'broken'],
  ['a code and a message', Object.assign(new Error('gone'), { code: 'EPIPE' }), 'EPIPE: gone'],
  ['a code of undefined', Object.assign(new Error('gone'), { code: undefined }), 'gone'],
  ['no message', new TypeError(''), 'TypeError'],
  [
    'a code only',
    Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
    'ECONNREFUSED: AggregateError',
  ],
  ['no Error at all', 'text', 'text'],
  ['undefined', undefined, 'undefined'],
])('an error with %s in one line', (_, error, line) => {
  expect(describeError(error)).toBe(line);
});

test('the message of an error is told without its code', () => {
  expect(errorMessage(Object.assign(new Error('gone'), { code: 'EPIPE' }))).toBe('gone');
  expect(errorMessage(7)).toBe('7');
});
