import { DynamicTable } from './dynamic-table.ts';
import { maxIntegerBytes, writeInteger } from './integer.ts';
import { staticTable } from './static-table.ts';

/** The least of what we use and of what the other side allows, in bytes; the size that both begin with. */
const ownMaxTableBytes = 4_096;

/** Values that are worth a place in the table, since answers repeat them: of these headers all are. */
const repeated: ReadonlySet<string> = new Set([
  ':status',
  'content-type',
  'date',
  'grpc-status',
  'grpc-encoding',
  'grpc-accept-encoding',
  'server',
  'vary',
  'access-control-allow-origin',
]);
/** Must not get into any table on the way (RFC 7541, 7.1.3). */
const secret: ReadonlySet<string> = new Set(['authorization', 'cookie', 'set-cookie', 'proxy-authorization']);

/** Values of one name; more than this at a time are not worth looking for. */
const maxRemembered = 64;

const literal = 0x00;
const neverIndexed = 0x10;
const incremental = 0x40;
const indexed = 0x80;
const sizeUpdate = 0x20;

interface StaticName {
  /** Of the first entry with the name. */
  readonly index: number;
  readonly byValue: Map<string, number>;
}

const staticNames = new Map<string, StaticName>();
for (const [nth, [name, value]] of staticTable.entries()) {
  const known = staticNames.get(name) ?? { index: nth + 1, byValue: new Map<string, number>() };
  known.byValue.set(value, nth + 1);
  staticNames.set(name, known);
}

/** The most bytes that a block of these headers takes; names and values alternate. */
export function maxEncodedBytes(fields: readonly string[]): number {
  // A change of the table's size takes two integers.
  let bytes = 2 * maxIntegerBytes;
  for (const text of fields) {
    bytes += text.length + 2 * maxIntegerBytes;
  }
  return bytes;
}

/**
 * Encodes the header blocks of one connection (RFC 7541), in their order. Strings are written plain: what repeats is one
 * byte from the second time on, and Huffman code would cost more for the rest than the bytes that it saves.
 */
export class HpackEncoder {
  readonly #table = new DynamicTable(ownMaxTableBytes);
  /** By name and then by value: how many entries there had been when it was added, itself included. */
  readonly #entries = new Map<string, Map<string, number>>();
  /** The least and the last size that the other side has allowed since the last block; undefined: none. */
  #leastSize: number | undefined;
  #size = ownMaxTableBytes;

  /** Notes SETTINGS_HEADER_TABLE_SIZE of the other side, in bytes. */
  setMaxTableBytes(bytes: number): void {
    const size = Math.min(bytes, ownMaxTableBytes);
    this.#leastSize = Math.min(size, this.#leastSize ?? size);
    this.#size = size;
  }

  /**
   * Appends the block of these headers to `target` at `offset`; there must be room for `maxEncodedBytes`.
   *
   * @param fields names, in lower case, and values, alternating; characters up to U+00FF.
   * @returns the new end.
   */
  encode(fields: readonly string[], target: Buffer, offset: number): number {
    let end = this.#leastSize === undefined ? offset : this.#writeSizes(target, offset);
    for (let at = 0; at < fields.length; at += 2) {
      end = this.#writeField(fields[at] ?? '', fields[at + 1] ?? '', target, end);
    }
    return end;
  }

  #writeSizes(target: Buffer, offset: number): number {
    const least = this.#leastSize ?? this.#size;
    this.#leastSize = undefined;
    let end = offset;
    if (least < this.#size) {
      this.#table.resize(least);
      end = writeInteger(least, 5, sizeUpdate, target, end);
    }
    if (this.#size !== this.#table.maxBytes || end === offset) {
      this.#table.resize(this.#size);
      end = writeInteger(this.#size, 5, sizeUpdate, target, end);
    }
    return end;
  }

  #writeField(name: string, value: string, target: Buffer, offset: number): number {
    const staticName = staticNames.get(name);
    const isRepeated = repeated.has(name);
    const known = staticName?.byValue.get(value) ?? (isRepeated ? this.#indexOf(name, value) : undefined);
    if (known !== undefined) {
      return writeInteger(known, 7, indexed, target, offset);
    }
    const nameIndex = staticName?.index ?? 0;
    let end: number;
    if (isRepeated) {
      end = writeInteger(nameIndex, 6, incremental, target, offset);
      this.#remember(name, value);
    } else {
      end = writeInteger(nameIndex, 4, secret.has(name) ? neverIndexed : literal, target, offset);
    }
    if (nameIndex === 0) {
      end = writeString(name, target, end);
    }
    return writeString(value, target, end);
  }

  #indexOf(name: string, value: string): number | undefined {
    const nth = this.#entries.get(name)?.get(value);
    const index = nth === undefined ? Infinity : this.#table.added - nth;
    return index < this.#table.count ? staticTable.length + 1 + index : undefined;
  }

  #remember(name: string, value: string): void {
    const before = this.#table.added;
    this.#table.add(name, value);
    if (this.#table.added === before) {
      return;
    }
    const values = this.#entries.get(name) ?? new Map<string, number>();
    this.#entries.set(name, values);
    if (values.size >= maxRemembered) {
      // Evicted for the most part, as dates are.
      values.clear();
    }
    values.set(value, this.#table.added);
  }
}

function writeString(text: string, target: Buffer, offset: number): number {
  const start = writeInteger(text.length, 7, 0, target, offset);
  return start + target.write(text, start, 'latin1');
}
