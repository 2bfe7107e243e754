import { randomFillSync } from 'node:crypto';

/** The kind of thing that an id names. */
export type IdPrefix = 'pay' | 'txn' | 'evt' | 'req' | 'rfd' | 'rul' | 'rst';

/** Makes unique ids: `newId('pay')` is `pay-<uuid>`. */
export type IdGenerator = (prefix: IdPrefix) => string;

const uuidBytes = 16;
/** Random bytes are drawn for this many ids at once: the call into OpenSSL costs more than the bytes. */
const idsPerDraw = 256;

/** The two ASCII digits of every byte, high digit first. */
const hexDigits = Buffer.from(
  Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join(''),
  'latin1',
);

/** Where the digits of the UUID's bytes stand in `pay-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`. */
const digitOffsets = [4, 6, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 32, 34, 36, 38];

/**
 * Ids with random version 4 UUIDs (RFC 9562). `crypto.randomUUID()` joins its result from 20 pieces,
 * which V8 keeps as a tree of them; an id is kept as long as its payment, so it is worth making it
 * one flat string: 40 bytes instead of several hundred.
 */
export function createRandomIds(): IdGenerator {
  const random = Buffer.allocUnsafe(uuidBytes * idsPerDraw);
  const text = Buffer.from('pre-00000000-0000-0000-0000-000000000000', 'latin1');
  let next = random.length;

  return (prefix) => {
    if (next === random.length) {
      randomFillSync(random);
      next = 0;
    }
    // Version 4 in the high half of byte 6, variant 10 in the two high bits of byte 8.
    random[next + 6] = ((random[next + 6] ?? 0) & 0x0f) | 0x40;
    random[next + 8] = ((random[next + 8] ?? 0) & 0x3f) | 0x80;
    text.write(prefix, 'latin1');
    for (let i = 0; i < uuidBytes; i += 1) {
      const digits = (random[next + i] ?? 0) * 2;
      const offset = digitOffsets[i] ?? 0;
      text[offset] = hexDigits[digits] ?? 0;
      text[offset + 1] = hexDigits[digits + 1] ?? 0;
    }
    next += uuidBytes;
    return text.toString('latin1');
  };
}
