import { describe, expect, it } from 'vitest';
import { createPlainHead } from '../../src/server/lane/plain-head.ts';

describe('head of a plain answer', () => {
  let nowMs = Date.UTC(2026, 10, 22, 12, 0, 0, 999);
  const plainHead = createPlainHead({ 'content-type': 'application/grpc+proto' }, () => nowMs);

  it('is a list with what Node would have to add', () => {
    const pairs = [
      [':status', '200'],
      ['content-type', 'application/grpc+proto'],
      ['date', 'Sun, 22 Nov 2026 12:00:00 GMT'],
    ];
    expect(plainHead()).toEqual(pairs.flat());
  });

  it('is one list for all answers of a second, and another in the next', () => {
    const first = plainHead();
    expect(plainHead()).toBe(first);
    nowMs += 1;
    expect(plainHead()).toContain('Sun, 22 Nov 2026 12:00:01 GMT');
  });
});
