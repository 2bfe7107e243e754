import { errorCodes, frameHeadBytes, minMaxFrameBytes } from './constants.ts';
import { ConnectionError } from './errors.ts';

/** Takes a frame; its payload is from `start` to `end`, in memory that is kept for as long as anything refers to it. */
export type OnFrame = (
  type: number,
  flags: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

/** Finds the frames in what is read from a connection, in pieces of any size. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  /** The beginning of a frame: first room for its head, then for all of it. */
  #pending: Buffer | undefined;
  #length = 0;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** @throws ConnectionError for a frame that is too long, and what `onFrame` throws: then nothing more is read. */
  read(chunk: Buffer, offset: number): void {
    let at = this.#complete(chunk, offset);
    while (chunk.length - at >= frameHeadBytes) {
      const end = at + frameHeadBytes + lengthAt(chunk, at);
      if (end > chunk.length) {
        break;
      }
      this.#pass(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) {
      this.#keep(chunk, at);
    }
  }

  /** Goes on with the frame that has begun. @returns where the next one begins. */
  #complete(chunk: Buffer, offset: number): number {
    let at = offset;
    while (this.#pending !== undefined) {
      const pending = this.#pending;
      const copied = Math.min(pending.length - this.#length, chunk.length - at);
      chunk.copy(pending, this.#length, at, at + copied);
      this.#length += copied;
      at += copied;
      if (this.#length < pending.length) {
        return at;
      }
      const whole = frameHeadBytes + lengthAt(pending, 0);
      if (whole === pending.length) {
        this.#pending = undefined;
        this.#pass(pending, 0, whole);
      } else {
        this.#pending = grow(pending, whole);
      }
    }
    return at;
  }

  #keep(chunk: Buffer, at: number): void {
    const left = chunk.length - at;
    const size = left < frameHeadBytes ? frameHeadBytes : frameHeadBytes + lengthAt(chunk, at);
    const pending = Buffer.allocUnsafeSlow(size);
    chunk.copy(pending, 0, at);
    this.#pending = pending;
    this.#length = left;
  }

  #pass(bytes: Buffer, at: number, end: number): void {
    const streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
    this.#onFrame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, streamId, bytes, at + frameHeadBytes, end);
  }
}

function grow(head: Buffer, size: number): Buffer {
  const grown = Buffer.allocUnsafeSlow(size);
  head.copy(grown);
  return grown;
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  if (length > minMaxFrameBytes) {
    throw new ConnectionError(errorCodes.frameSizeError, 'a frame that is too long');
  }
  return length;
}
