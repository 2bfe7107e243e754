/* Header blocks by hand. */

/** An integer below 2^31 after the pattern of its first byte (RFC 7541, 5.1). */
function integer(pattern: number, prefixBits: number, value: number): Buffer {
  const max = 2 ** prefixBits - 1;
  if (value < max) {
    return Buffer.from([pattern + value]);
  }
  const bytes = [pattern + max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    bytes.push(128 + (rest % 128));
  }
  return Buffer.from([...bytes, rest]);
}

/** A string literal (5.2). */
function string(text: string): Buffer {
  const octets = Buffer.from(text, 'latin1');
  return Buffer.concat([integer(0, 7, octets.length), octets]);
}

/** A field by its index (6.1). */
export function indexedField(index: number): Buffer {
  return integer(0x80, 7, index);
}

/** A field that is written in full, and whether it is for the table (6.2). */
export function literalField(
  form: 'indexed' | 'literal' | 'never',
  name: string | number,
  value: string,
): Buffer {
  const [pattern, prefixBits] = { indexed: [0x40, 6], literal: [0, 4], never: [0x10, 4] }[form] as [
    number,
    number,
  ];
  const start = integer(pattern, prefixBits, typeof name === 'number' ? name : 0);
  const nameLiteral = typeof name === 'number' ? [] : [string(name)];
  return Buffer.concat([start, ...nameLiteral, string(value)]);
}

/** A new size of the table (6.3). */
export function tableSize(bytes: number): Buffer {
  return integer(0x20, 5, bytes);
}
