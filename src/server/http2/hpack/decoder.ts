import { DynamicTable } from './dynamic-table.ts';
import { decodeHuffman, maxHuffmanBytes } from './huffman.ts';
import { type Cursor, HpackError, readInteger } from './integer.ts';
import { entryOverhead, staticTable } from './static-table.ts';

/** The headers of a block. */
export interface DecodedHeaders {
  /** Names and values, alternating; their characters are bytes (ISO 8859-1). */
  readonly fields: string[];
  /** Whether there were more than allowed; the rest was read, so that the tables agree, and is left out. */
  readonly tooLarge: boolean;
}

const staticNames = ['', ...staticTable.map(([name]) => name)];
const staticValues = ['', ...staticTable.map(([, value]) => value)];
const staticCount = staticTable.length;

interface Block extends Cursor {
  readonly fields: string[];
  maxBytes: number;
  maxCount: number;
  tooLarge: boolean;
}

let scratch = Buffer.allocUnsafeSlow(1_024);

/** Decodes the header blocks of one connection (RFC 7541), in their order. */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #maxTableBytes: number;

  /** @param maxTableBytes the SETTINGS_HEADER_TABLE_SIZE that the other side knows of, in bytes. */
  constructor(maxTableBytes: number) {
    this.#maxTableBytes = maxTableBytes;
    this.#table = new DynamicTable(maxTableBytes);
  }

  /**
   * Decodes one whole block.
   *
   * @param maxListBytes of names and values, each with 32 bytes more (RFC 9113, 6.5.2).
   * @param maxFields most headers.
   * @throws HpackError for anything that cannot be decoded.
   */
  decode(block: Buffer, maxListBytes: number, maxFields: number): DecodedHeaders {
    const cursor: Block = {
      bytes: block,
      at: 0,
      end: block.length,
      fields: [],
      maxBytes: maxListBytes,
      maxCount: maxFields,
      tooLarge: false,
    };
    this.#readSizeUpdates(cursor);
    while (cursor.at < cursor.end) {
      this.#readField(cursor, block);
    }
    return cursor;
  }

  /** They come before the first field (4.2). */
  #readSizeUpdates(cursor: Block): void {
    while (cursor.at < cursor.end && ((cursor.bytes[cursor.at] ?? 0) & 0xe0) === 0x20) {
      const bytes = readInteger(cursor, 5);
      if (bytes > this.#maxTableBytes) {
        throw new HpackError('a table larger than allowed');
      }
      this.#table.resize(bytes);
    }
  }

  #readField(cursor: Block, block: Buffer): void {
    const first = cursor.bytes[cursor.at] ?? 0;
    if (first >= 0x80) {
      const index = readInteger(cursor, 7);
      if (index === 0) {
        throw new HpackError('the index 0');
      }
      keep(cursor, this.#nameAt(index), this.#valueAt(index));
    } else if (first >= 0x40) {
      const name = this.#readName(cursor, block, 6);
      const value = readString(cursor, block);
      this.#table.add(name, value);
      keep(cursor, name, value);
    } else if (first >= 0x20) {
      throw new HpackError('a change of the table behind a field');
    } else {
      const name = this.#readName(cursor, block, 4);
      keep(cursor, name, readString(cursor, block));
    }
  }

  #readName(cursor: Block, block: Buffer, prefixBits: number): string {
    const index = readInteger(cursor, prefixBits);
    return index === 0 ? readString(cursor, block) : this.#nameAt(index);
  }

  #nameAt(index: number): string {
    return index <= staticCount ? (staticNames[index] ?? '') : this.#table.nameAt(this.#dynamic(index));
  }

  #valueAt(index: number): string {
    return index <= staticCount ? (staticValues[index] ?? '') : this.#table.valueAt(this.#dynamic(index));
  }

  #dynamic(index: number): number {
    const dynamic = index - staticCount - 1;
    if (dynamic >= this.#table.count) {
      throw new HpackError('an index beyond the table');
    }
    return dynamic;
  }
}

function keep(block: Block, name: string, value: string): void {
  block.maxBytes -= name.length + value.length + entryOverhead;
  block.maxCount -= 1;
  if (block.maxBytes < 0 || block.maxCount < 0) {
    block.tooLarge = true;
  } else {
    block.fields.push(name, value);
  }
}

function readString(cursor: Block, block: Buffer): string {
  if (cursor.at >= cursor.end) {
    throw new HpackError('a string that is cut off');
  }
  const isHuffman = (cursor.bytes[cursor.at] ?? 0) >= 0x80;
  const length = readInteger(cursor, 7);
  const start = cursor.at;
  const end = start + length;
  if (end > cursor.end) {
    throw new HpackError('a string that is cut off');
  }
  cursor.at = end;
  if (!isHuffman) {
    return block.toString('latin1', start, end);
  }
  const most = maxHuffmanBytes(length);
  if (most > scratch.length) {
    scratch = Buffer.allocUnsafeSlow(2 * most);
  }
  const written = decodeHuffman(block, start, end, scratch);
  if (written < 0) {
    throw new HpackError('a string that is no Huffman code');
  }
  return scratch.toString('latin1', 0, written);
}
