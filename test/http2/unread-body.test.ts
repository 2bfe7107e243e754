import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { UnreadBody } from '../../src/server/http2/unread-body.ts';

function takeAll(unread: UnreadBody): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let piece = unread.take(); piece !== undefined; piece = unread.take()) {
    pieces.push(piece);
  }
  return pieces;
}

/** The nth byte of what a test sends. */
const byteAt = (nth: number) => nth % 251;

test('what was put in comes out in order, whatever the sizes of its pieces and whoever takes in between', () => {
  const steps = fc.array(
    fc.oneof(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 20_000 }),
      fc.constant('take' as const),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const unread = new UnreadBody();
      const taken: Buffer[] = [];
      let sent = 0;
      for (const step of all) {
        if (step === 'take') {
          taken.push(unread.take() ?? Buffer.alloc(0));
        } else {
          const from = sent;
          unread.add(Buffer.from(Array.from({ length: step }, (_, n) => byteAt(from + n))));
          sent += step;
        }
        expect(unread.bytes).toBe(sent - Buffer.concat(taken).length);
      }
      const whole = Buffer.concat([...taken, ...takeAll(unread)]);
      expect(whole.equals(Buffer.from(Array.from({ length: sent }, (_, n) => byteAt(n))))).toBe(true);
      expect(unread.bytes).toBe(0);
    }),
  );
});

test.each([
  ['a byte', 1, 65_535],
  ['a little more than half a block', 2_049, 31],
  ['a whole frame', 16_384, 4],
])('pieces of %s take no more than twice their bytes, and no more than a few buffers', (_, length, count) => {
  const unread = new UnreadBody();
  // Each is a view of much more that was read with it.
  const piece = Buffer.alloc(65_536).subarray(100, 100 + length);
  for (let n = 0; n < count; n += 1) {
    unread.add(piece);
  }
  const pieces = takeAll(unread);
  const memory = new Set(pieces.map(({ buffer }) => buffer));
  const memoryBytes = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(memoryBytes).toBeLessThanOrEqual(2 * length * count + 4_096);
  expect(pieces.length).toBeLessThanOrEqual(32);
});
