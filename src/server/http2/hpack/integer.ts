/** A header block that cannot be decoded: a connection error, COMPRESSION_ERROR. */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}

/** More than any length or index may be, and far from where numbers are not exact any more. */
const maxInteger = 0x0fff_ffff;
/** So many continuation bytes hold more than that, leading zeros aside. */
const maxContinuation = 5;

/** Where a decoder is in a block. */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

/**
 * Reads an integer (RFC 7541, 5.1) whose first byte is at the cursor.
 *
 * @param prefixBits how many bits of that byte belong to it, 1 to 8.
 * @throws HpackError when it is cut off or beyond all bounds.
 */
export function readInteger(cursor: Cursor, prefixBits: number): number {
  const { bytes, end } = cursor;
  const mask = (1 << prefixBits) - 1;
  const first = (bytes[cursor.at] ?? 0) & mask;
  cursor.at += 1;
  if (first < mask) {
    return first;
  }
  let value = mask;
  for (let nth = 0; ; nth += 1) {
    if (cursor.at >= end || nth === maxContinuation) {
      throw new HpackError('an integer that is cut off or too long');
    }
    const byte = bytes[cursor.at] ?? 0;
    cursor.at += 1;
    value += (byte & 0x7f) * 2 ** (7 * nth);
    if (value > maxInteger) {
      throw new HpackError('an integer that is too large');
    }
    if (byte < 0x80) {
      return value;
    }
  }
}

/** Most bytes of an integer. */
export const maxIntegerBytes = 6;

/**
 * Appends an integer to `target` at `offset`.
 *
 * @param flags the bits of the first byte above the prefix.
 * @returns the new end.
 */
export function writeInteger(
  value: number,
  prefixBits: number,
  flags: number,
  target: Uint8Array,
  offset: number,
): number {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    target[offset] = flags | value;
    return offset + 1;
  }
  target[offset] = flags | mask;
  let end = offset + 1;
  let rest = value - mask;
  while (rest >= 0x80) {
    target[end] = (rest & 0x7f) | 0x80;
    rest >>= 7;
    end += 1;
  }
  target[end] = rest;
  return end + 1;
}
