/**
 * A small reproducible generator (mulberry32, public domain, Tommy Ettinger 2017): the same seed gives the same
 * numbers from 0 (included) to 1 (excluded) in the same order.
 *
 * @param seed any 32-bit integer; larger ones are cut to their low 32 bits.
 */
export function createSeededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
