import type { RandomSource } from '../../src/base/random.ts';

/** One of them; there must be one. */
export function pick<T>(random: RandomSource, choices: readonly T[]): T {
  const choice = choices[Math.floor(random() * choices.length)];
  if (choice === undefined) {
    throw new Error('nothing to choose from');
  }
  return choice;
}

/** A whole number from `min` to `max`, both included. */
export function between(random: RandomSource, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

/** At most every tenth time a copy with some wrong bytes, else the same. */
export function damage(random: RandomSource, bytes: Buffer): Buffer {
  if (bytes.length === 0 || random() > 0.1) {
    return bytes;
  }
  const copy = Buffer.from(bytes);
  for (let count = between(random, 1, 3); count > 0; count -= 1) {
    copy[between(random, 0, copy.length - 1)] = between(random, 0, 255);
  }
  return copy;
}
