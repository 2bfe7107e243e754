import { expect, test } from 'vitest';
import { isOutOfMemory, isScriptMissing } from '../../src/state/redis/redis-error.ts';

test('an error that is among the reasons of its own', () => {
  const aborted = new Error('EXECABORT Transaction discarded because of previous errors.');
  const reasons: Error[] = [aborted];
  Object.assign(aborted, { previousErrors: reasons });
  expect(isOutOfMemory(aborted)).toBe(false);
  expect(isScriptMissing(aborted)).toBe(false);

  reasons.push(new Error("OOM command not allowed when used memory > 'maxmemory'."));
  expect(isOutOfMemory(aborted)).toBe(true);
});
