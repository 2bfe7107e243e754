import { describe, expect, test } from 'vitest';
import { HpackDecoder } from '../../src/server/http2/hpack/decoder.ts';
import { HpackEncoder, maxEncodedBytes } from '../../src/server/http2/hpack/encoder.ts';
import { type Cursor, HpackError, readInteger, writeInteger } from '../../src/server/http2/hpack/integer.ts';

/* The examples of RFC 7541, appendix C, byte for byte, and what may not be. */

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const cursorOf = (bytes: Buffer): Cursor => ({ bytes, at: 0, end: bytes.length });
const roomy = [65_536, 1_000] as const;

/** Names and values of `name: value` lines. */
function fieldsOf(...lines: string[]): string[] {
  return lines.flatMap((line) => {
    const end = line.indexOf(': ');
    return [line.slice(0, end), line.slice(end + 2)];
  });
}

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

const requests = [
  fieldsOf(':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'),
  fieldsOf(
    ':method: GET',
    ':scheme: http',
    ':path: /',
    ':authority: www.example.com',
    'cache-control: no-cache',
  ),
  fieldsOf(
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    ':authority: www.example.com',
    'custom-key: custom-value',
  ),
];

const responses = [
  fieldsOf(
    ':status: 302',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ),
  fieldsOf(
    ':status: 307',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ),
  fieldsOf(
    ':status: 200',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:22 GMT',
    'location: https://www.example.com',
    'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ),
];

describe.each([
  [
    'C.3: requests',
    4_096,
    requests,
    [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
  ],
  [
    'C.4: requests, with Huffman code',
    4_096,
    requests,
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  ],
  [
    'C.5: responses',
    256,
    responses,
    [
      '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '4803 3330 37c1 c0bf',
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
    ],
  ],
  [
    'C.6: responses, with Huffman code',
    256,
    responses,
    [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ],
  ],
])('%s', (_, tableBytes, lists, blocks) => {
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
    ['an integer that never ends', 'ff 80 80 80 80 80 80 80 80 01'],
    ['an integer that is too large', 'ff ff ff ff ff 0f'],
    ['a field that is cut off', '40'],
    ['a text that is cut off', '40 05 61 62'],
    ['a text longer than the block', '40 01 61 7f ff ff ff 7f'],
    ['a value that is missing', '40 01 61'],
    ['Huffman code with the end of a string', '00 01 61 84 ff ff ff ff'],
    ['Huffman code with a byte of padding', '00 01 61 82 1f ff'],
    ['Huffman code with padding that is not all ones', '00 01 61 81 18'],
    ['Huffman code that is cut off', '00 01 61 81 fe'],
    ['a table larger than allowed', '3f e2 1f'],
    ['a change of the table behind a field', '82 20'],
  ])('%s', (_, hex) => {
    expect(() => decodeWith(new HpackDecoder(4_096), hex)).toThrow(HpackError);
  });
});

/** The newest entry. */
const kept = (decoder: HpackDecoder) => decodeWith(decoder, 'be');

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

  test('holds as many as fit in, the newest', () => {
    const decoder = new HpackDecoder(4_096);
    for (let nth = 0; nth < 1_000; nth += 1) {
      decoder.decode(Buffer.from([0x40, 1, 97, 3, ...Buffer.from(String(nth).padStart(3, '0'))]), ...roomy);
    }
    // 36 bytes each.
    expect(decodeWith(decoder, 'be')).toEqual(['a', '999']);
    expect(decoder.decode(Buffer.from([0xff, 61 + 113 - 127]), ...roomy).fields).toEqual(['a', '887']);
    expect(() => decoder.decode(Buffer.from([0xff, 61 + 114 - 127]), ...roomy)).toThrow(HpackError);
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

describe('headers beyond the limits', () => {
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
