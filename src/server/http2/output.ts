import type { Duplex } from 'node:stream';
import { frameHeadBytes } from './constants.ts';
import { maxUnsentBytes } from './flood-limits.ts';

/** Room that is taken at first, in bytes: for the answers to some calls, and of Node's pool, which costs little. */
const initialBytes = 1_024;

/** Sessions that have something to write, until the end of this turn of the event loop. */
let dirty: Output[] = [];

function flushAll(): void {
  const all = dirty;
  dirty = [];
  for (const output of all) {
    output.flush();
  }
}

/**
 * What is written to a connection, gathered until the end of the turn of the event loop: a write costs as much as the
 * calls that it answers.
 */
export class Output {
  readonly #socket: Duplex;
  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;
  #isDirty = false;

  readonly #onRoom: () => void;
  /** Whether somebody has found it full. */
  #isAwaited = false;

  /** @param onRoom called when it was full, as somebody has noticed, and is not any more. */
  constructor(socket: Duplex, onRoom: () => void) {
    this.#socket = socket;
    this.#onRoom = onRoom;
    socket.on('drain', () => this.#tellOfRoom());
  }

  /** Whether the peer has left so much unread that nothing more is to be written. */
  get isFull(): boolean {
    const isFull = this.#isOverfull;
    this.#isAwaited ||= isFull;
    return isFull;
  }

  /** What the peer has not read, beyond what the kernel keeps. */
  get unsentBytes(): number {
    return this.#end + this.#socket.writableLength;
  }

  get #isOverfull(): boolean {
    return this.unsentBytes > maxUnsentBytes;
  }

  #tellOfRoom(): void {
    if (this.#isAwaited && !this.#isOverfull) {
      this.#isAwaited = false;
      this.#onRoom();
    }
  }

  /** Appends the head of a frame. */
  frame(type: number, flags: number, streamId: number, length: number): void {
    const at = this.reserve(frameHeadBytes);
    const bytes = this.#bytes;
    bytes[at] = length >> 16;
    bytes[at + 1] = length >> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes.writeUInt32BE(streamId, at + 5);
    this.#end = at + frameHeadBytes;
  }

  uint32(value: number): void {
    const at = this.reserve(4);
    this.#bytes.writeUInt32BE(value, at);
    this.#end = at + 4;
  }

  uint16(value: number): void {
    const at = this.reserve(2);
    this.#bytes.writeUInt16BE(value, at);
    this.#end = at + 2;
  }

  bytes(chunk: Uint8Array, start: number, end: number): void {
    const at = this.reserve(end - start);
    this.#bytes.set(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), at);
    this.#end = at + end - start;
  }

  /** Makes room for so many bytes behind what there is; `target` and `end` say where. @returns where they begin. */
  reserve(length: number): number {
    if (this.#end + length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(initialBytes, 2 * this.#bytes.length, this.#end + length));
      this.#bytes.copy(grown, 0, 0, this.#end);
      this.#bytes = grown;
    }
    if (!this.#isDirty) {
      this.#isDirty = true;
      if (dirty.length === 0) {
        setImmediate(flushAll);
      }
      dirty.push(this);
    }
    return this.#end;
  }

  get target(): Buffer {
    return this.#bytes;
  }

  set end(end: number) {
    this.#end = end;
  }

  get end(): number {
    return this.#end;
  }

  /** Writes what is there. */
  flush(): void {
    this.#isDirty = false;
    const end = this.#end;
    if (end === 0) {
      return;
    }
    const bytes = this.#bytes;
    this.#end = 0;
    // The socket may keep it; and a connection that waits needs none.
    this.#bytes = noBytes;
    if (this.#socket.writable) {
      this.#socket.write(bytes.subarray(0, end));
      // What the kernel takes at once is followed by no event.
      this.#tellOfRoom();
    }
  }
}

const noBytes: Buffer = Buffer.alloc(0);
