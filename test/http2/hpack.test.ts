import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HpackDecoder } from '../../src/server/http2/hpack/decoder.ts';
import { HpackEncoder, maxEncodedBytes } from '../../src/server/http2/hpack/encoder.ts';
import { type Cursor, HpackError, readInteger, writeInteger } from '../../src/server/http2/hpack/integer.ts';
import { fieldsOf, sequences } from './hpack-examples.ts';

/* The examples of RFC 7541, appendix C, byte for byte, and what may not be. */

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const cursorOf = (bytes: Buffer): Cursor => ({ bytes, at: 0, end: bytes.length });
/** Of the integers that are read. */
const largest = 0x0fff_ffff;
const roomy = [65_536, 1_000] as const;

function decodeWith(decoder: HpackDecoder, hex: string): string[] {
  return decoder.decode(bytesOf(hex), ...roomy).fields;
}

function encodeWith(encoder: HpackEncoder, fields: readonly string[]): Buffer {
  const target = Buffer.alloc(maxEncodedBytes(fields));
  return target.subarray(0, encoder.encode(fields, target, 0));
}

describe('C.1: integers', () => {
  test.each([
    [10, 5, '0a'],
    [1_337, 5, '1f9a0a'],
    [42, 8, '2a'],
  ])('%i with a prefix of %i bits', (value, prefix, hex) => {
    const target = Buffer.alloc(8);
    expect(target.subarray(0, writeInteger(value, prefix, 0, target, 0)).toString('hex')).toBe(hex);
    const cursor = cursorOf(bytesOf(hex));
    expect(readInteger(cursor, prefix)).toBe(value);
    expect(cursor.at).toBe(cursor.end);
  });

  const prefixes = [1, 2, 3, 4, 5, 6, 7, 8];
  test.each(prefixes)('with a prefix of %i bits are read as they were written', (prefix) => {
    const most = 2 ** prefix - 1;
    const edges = [0, most - 1, most, most + 127, most + 128, most + 2 ** 14 - 1, most + 2 ** 14, largest];
    for (const value of edges) {
      const target = Buffer.alloc(8);
      const end = writeInteger(value, prefix, 0, target, 0);
      const cursor = cursorOf(target.subarray(0, end));
      expect([readInteger(cursor, prefix), cursor.at]).toEqual([value, end]);
    }
  });

  test('the largest, and one more', () => {
    expect(readInteger(cursorOf(bytesOf('ff 80 ff ff 7f')), 7)).toBe(largest);
    expect(() => readInteger(cursorOf(bytesOf('ff 81 ff ff 7f')), 7)).toThrow(HpackError);
  });

  test('with zeros at the end, as some write them: so many, and one more', () => {
    expect(readInteger(cursorOf(bytesOf('1f 9a 8a 80 80 00')), 5)).toBe(1_337);
    expect(() => readInteger(cursorOf(bytesOf('1f 9a 8a 80 80 80 00')), 5)).toThrow(HpackError);
  });
});

describe('C.2: fields', () => {
  test.each([
    [
      'literal, to be indexed',
      '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
      'custom-key: custom-header',
    ],
    ['literal', '040c 2f73 616d 706c 652f 7061 7468', ':path: /sample/path'],
    ['literal, never to be indexed', '1008 7061 7373 776f 7264 0673 6563 7265 74', 'password: secret'],
    ['indexed', '82', ':method: GET'],
  ])('%s', (_, hex, line) => {
    expect(decodeWith(new HpackDecoder(4_096), hex)).toEqual(fieldsOf(line));
  });

  test('those of which the encoder makes the same bytes', () => {
    expect(encodeWith(new HpackEncoder(), [':method', 'GET'])).toEqual(bytesOf('82'));
    expect(encodeWith(new HpackEncoder(), [':path', '/sample/path'])).toEqual(
      bytesOf('040c 2f73 616d 706c 652f 7061 7468'),
    );
    expect(encodeWith(new HpackEncoder(), ['password', 'secret'])).toEqual(
      bytesOf('0008 7061 7373 776f 7264 0673 6563 7265 74'),
    );
    // Never to be indexed, by whoever passes it on.
    expect(encodeWith(new HpackEncoder(), ['set-cookie', 'a'])).toEqual(bytesOf('1f28 0161'));
  });
});

describe.each(sequences)('%s', (_, tableBytes, lists, blocks) => {
  test('are decoded, one after the other', () => {
    const decoder = new HpackDecoder(tableBytes);
    expect(blocks.map((block) => decodeWith(decoder, block))).toEqual(lists);
  });

  test('are decoded as the encoder writes them', () => {
    const [encoder, decoder] = [new HpackEncoder(), new HpackDecoder(4_096)];
    encoder.setMaxTableBytes(tableBytes);
    for (const fields of [...lists, ...lists]) {
      expect(decoder.decode(encodeWith(encoder, fields), ...roomy).fields).toEqual(fields);
    }
  });
});

describe('what cannot be decoded', () => {
  test.each([
    ['the index 0', '80'],
    ['an index beyond the tables', 'be'],
    ['a name beyond the tables', '7e 0161'],
    ['an integer that is cut off', 'ff'],
    ['a size that is cut off', '3f'],
    ['a size that is cut off further on', '3f 80'],
    ['an integer that never ends', 'ff 80 80 80 80 80 80 80 80 01'],
    ['an integer that is too large', 'ff ff ff ff ff 0f'],
    ['a field that is cut off', '40'],
    ['a text that is cut off', '40 05 61 62'],
    ['a value whose last byte is missing', '40 01 61 02 62'],
    ['a text longer than the block', '40 01 61 7f ff ff ff 7f'],
    ['a value that is missing', '40 01 61'],
    ['Huffman code with the end of a string', '00 01 61 84 ff ff ff ff'],
    ['Huffman code with a byte of padding', '00 01 61 82 f8 ff'],
    ['Huffman code with more than a byte of padding', '00 01 61 82 1f ff'],
    ['Huffman code with padding that is not all ones', '00 01 61 81 18'],
    ['Huffman code that is cut off', '00 01 61 81 fe'],
    ['a table larger than allowed', '3f e2 1f'],
    ['a change of the table behind a field', '82 20'],
    ['a change of the table behind a field, were it a field too', '82 20 01 61 01 62'],
  ])('%s', (_, hex) => {
    expect(() => decodeWith(new HpackDecoder(4_096), hex)).toThrow(HpackError);
  });
});

/** The newest entry. */
const kept = (decoder: HpackDecoder) => decodeWith(decoder, 'be');

/** 31 characters. */
const valueOf = (nth: number) => String(nth).padStart(31, '0');

describe('the table', () => {
  test('is changed at the beginning of a block, more than once', () => {
    const decoder = new HpackDecoder(4_096);
    decodeWith(decoder, '4001 6101 62');
    expect(kept(decoder)).toEqual(['a', 'b']);
    // To nothing, and back.
    expect(decodeWith(decoder, '20 3f e1 1f 82')).toEqual([':method', 'GET']);
    expect(() => kept(decoder)).toThrow(HpackError);
    decodeWith(decoder, '4001 6301 64');
    expect(kept(decoder)).toEqual(['c', 'd']);
  });

  test('is emptied by an entry that is larger than it', () => {
    const decoder = new HpackDecoder(64);
    decodeWith(decoder, '4001 6101 62');
    decodeWith(decoder, `4001 6121 ${'78'.repeat(33)}`);
    expect(() => kept(decoder)).toThrow(HpackError);
  });

  test('holds an entry that is as large as it', () => {
    const decoder = new HpackDecoder(64);
    decodeWith(decoder, `4001 611f ${'78'.repeat(31)}`);
    expect(kept(decoder)).toEqual(['a', 'x'.repeat(31)]);
  });

  test('holds as many as fit in, the newest', () => {
    const decoder = new HpackDecoder(4_096);
    for (let nth = 0; nth < 1_000; nth += 1) {
      decoder.decode(Buffer.from([0x40, 1, 97, 31, ...Buffer.from(valueOf(nth))]), ...roomy);
    }
    // Of 64 bytes each, 64.
    const entry = (index: number) => decoder.decode(Buffer.from([0x80 + 62 + index]), ...roomy).fields;
    expect(Array.from({ length: 64 }, (_, index) => entry(index))).toEqual(
      Array.from({ length: 64 }, (_, index) => ['a', valueOf(999 - index)]),
    );
    expect(() => decoder.decode(Buffer.from([0xff, 62 + 64 - 127]), ...roomy)).toThrow(HpackError);
  });

  test('a change that the other side has asked for is told of at the beginning of the next block', () => {
    const encoder = new HpackEncoder();
    const fields = ['content-type', 'application/grpc'];
    encodeWith(encoder, fields);
    encoder.setMaxTableBytes(0);
    encoder.setMaxTableBytes(100);
    expect(encodeWith(encoder, [':status', '200'])).toEqual(bytesOf('20 3f45 88'));
    encoder.setMaxTableBytes(1_000_000);
    expect(encodeWith(encoder, [':status', '200'])).toEqual(bytesOf('3fe11f 88'));
  });
});

/** A list, or seldom a size of the table. */
const listOrSize = (lists: readonly string[][]) =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...lists) },
    { weight: 1, arbitrary: fc.constantFrom(0, 40, 400, 4_096) },
  );

test('lists that come again and again are encoded as what they are, whatever becomes of the table in between', () => {
  // Short ones stay in the table, long ones evict them.
  const value = fc.constantFrom('application/grpc', '0', 'a', 'x'.repeat(300), 'y'.repeat(5_000));
  const field = fc.tuple(fc.constantFrom('content-type', 'grpc-status', 'date', 'x-request-id'), value);
  const list = fc.array(field, { minLength: 1, maxLength: 3 }).map((fields) => fields.flat());
  const steps = fc
    .array(list, { minLength: 2, maxLength: 4 })
    .chain((lists) => fc.array(listOrSize(lists), { minLength: 20, maxLength: 200, size: 'max' }));
  fc.assert(
    fc.property(steps, (all) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(4_096);
      for (const each of all) {
        if (typeof each === 'number') {
          encoder.setMaxTableBytes(each);
        } else {
          expect(decoder.decode(encodeWith(encoder, each), ...roomy).fields).toEqual(each);
        }
      }
    }),
  );
});

test('a list that has come before takes a byte for each header', () => {
  const encoder = new HpackEncoder();
  const [head, trailers] = [
    ['content-type', 'application/grpc', 'date', 'today'],
    ['grpc-status', '0'],
  ];
  const round = () => [encodeWith(encoder, head).length, encodeWith(encoder, trailers).length];
  round();
  expect([round(), round(), round()]).toEqual([
    [2, 1],
    [2, 1],
    [2, 1],
  ]);
});

test('long Huffman code is decoded', () => {
  // A zero is five bits that are zeros.
  const block = Buffer.concat([bytesOf('00 01 61 ff e9 06'), Buffer.alloc(1_000)]);
  expect(new HpackDecoder(4_096).decode(block, ...roomy).fields).toEqual(['a', '0'.repeat(1_600)]);
});

describe('headers beyond the limits', () => {
  test('names, values and 32 bytes for each header count, to the byte', () => {
    // 42 and 43 bytes.
    const block = bytesOf('82 83');
    const decodeWithin = (bytes: number) => new HpackDecoder(4_096).decode(block, bytes, 2);
    expect(decodeWithin(85)).toMatchObject({
      fields: [':method', 'GET', ':method', 'POST'],
      tooLarge: false,
    });
    expect(decodeWithin(84)).toMatchObject({ fields: [':method', 'GET'], tooLarge: true });
  });

  test('an entry that is named ten thousand times is kept as often as allowed, and the table stays right', () => {
    const decoder = new HpackDecoder(4_096);
    const value = 'x'.repeat(4_000);
    const literal = Buffer.concat([Buffer.from([0x40, 1, 97, 0x7f, 0xa1, 0x1e]), Buffer.from(value)]);
    expect(decoder.decode(literal, 16_384, 128)).toMatchObject({ fields: ['a', value], tooLarge: false });
    const bomb = decoder.decode(Buffer.alloc(10_000, 0xbe), 16_384, 128);
    expect(bomb.tooLarge).toBe(true);
    expect(bomb.fields).toHaveLength(8);
    expect(decodeWith(decoder, 'be')).toEqual(['a', value]);
  });

  test('so many headers, and what comes behind them is still read', () => {
    const decoder = new HpackDecoder(4_096);
    const { fields, tooLarge } = decoder.decode(
      Buffer.concat([Buffer.alloc(129, 0x82), bytesOf('4001 6101 62')]),
      65_536,
      128,
    );
    expect([fields.length, tooLarge]).toEqual([256, true]);
    expect(decodeWith(decoder, 'be')).toEqual(['a', 'b']);
  });
});
