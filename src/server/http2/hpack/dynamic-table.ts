import { entryOverhead } from './static-table.ts';

/** A power of two. */
const initialSlots = 8;

/** The table of what a connection has sent before, the newest entry first (RFC 7541, 2.3.2), in a ring. */
export class DynamicTable {
  /** Of the same length, a power of two, which grows with the entries. */
  #names: string[] = Array.from({ length: initialSlots }, () => '');
  #values: string[] = Array.from({ length: initialSlots }, () => '');
  /** Of the newest. */
  #head = 0;
  #count = 0;
  #bytes = 0;
  #maxBytes: number;
  /** How many entries there have been. */
  #added = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** How many entries have ever been added: the entry that was the nth is at index `added` - n, from 0. */
  get added(): number {
    return this.#added;
  }

  /** @param index from 0, the newest. */
  nameAt(index: number): string {
    return this.#names[this.#slotOf(index)] ?? '';
  }

  valueAt(index: number): string {
    return this.#values[this.#slotOf(index)] ?? '';
  }

  /** Adds an entry; what has no room any more is evicted, also the entry itself when it is larger than the table. */
  add(name: string, value: string): void {
    const bytes = bytesOf(name, value);
    this.#evictTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) {
      return;
    }
    if (this.#count === this.#names.length) {
      this.#grow();
    }
    this.#head = this.#slotOf(-1);
    this.#names[this.#head] = name;
    this.#values[this.#head] = value;
    this.#count += 1;
    this.#added += 1;
    this.#bytes += bytes;
  }

  /** @param maxBytes at most what the table was made for. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #evictTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const oldest = this.#slotOf(this.#count - 1);
      this.#bytes -= bytesOf(this.#names[oldest] ?? '', this.#values[oldest] ?? '');
      this.#names[oldest] = '';
      this.#values[oldest] = '';
      this.#count -= 1;
    }
  }

  #grow(): void {
    const [names, values] = [this.#names, this.#values];
    const inOrder = (all: readonly string[]) => [
      ...all.slice(this.#head),
      ...all.slice(0, this.#head),
      ...all.map(() => ''),
    ];
    this.#names = inOrder(names);
    this.#values = inOrder(values);
    this.#head = 0;
  }

  #slotOf(index: number): number {
    return (this.#head + index) & (this.#names.length - 1);
  }
}

function bytesOf(name: string, value: string): number {
  return name.length + value.length + entryOverhead;
}
