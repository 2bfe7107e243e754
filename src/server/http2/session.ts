import type { Duplex } from 'node:stream';
import {
  clientPreface,
  errorCodes,
  frameTypes,
  initialWindowBytes,
  maxStreamId,
  minMaxFrameBytes,
  settings,
} from './constants.ts';
import { ConnectionError, StreamError } from './errors.ts';
import { FloodLimits, maxQueuedBytes } from './flood-limits.ts';
import { FrameReader } from './frame-reader.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import { Output } from './output.ts';
import { receiveFrame } from './receive.ts';
import { pumpBlocked, pumpStream, sendGoaway, sendHeaders, sendReset, sendWindowUpdate } from './send.ts';
import type { HeaderBlock, SessionOptions, SessionState } from './session-state.ts';
import type { Http2Stream } from './stream.ts';

/** SETTINGS_HEADER_TABLE_SIZE: its default, which we do not change. */
const headerTableBytes = 4_096;
/** Half of a window: so much is used before the peer is told that it may send as much again. */
const acknowledgedBytes = initialWindowBytes >> 1;
/** How long a connection that broke the protocol may take to read why, in milliseconds. */
const lingerMs = 1_000;
/** Streams that were reset here, of which frames may still be on their way. */
const maxRemembered = 1_000;

/** One HTTP/2 connection, as its server sees it. */
export class Http2Session implements SessionState {
  readonly socket: Duplex;
  readonly options: SessionOptions;
  readonly output: Output;
  readonly decoder = new HpackDecoder(headerTableBytes);
  readonly encoder = new HpackEncoder();
  readonly streams = new Map<number, Http2Stream>();
  /** Streams with something queued that waits for the connection's window or for the peer to read, not for their own. */
  readonly blocked = new Set<Http2Stream>();
  lastStreamId = 0;
  goawayStreamId = maxStreamId;
  sendWindow = initialWindowBytes;
  receiveWindow = initialWindowBytes;
  unacknowledged = 0;
  peerInitialWindow = initialWindowBytes;
  peerMaxFrameBytes: number = minMaxFrameBytes;
  /** The block that CONTINUATION frames go on with. */
  block: HeaderBlock | undefined;
  hasSettings = false;
  /** GOAWAY has been sent: no new streams. */
  isClosing = false;
  isOver = false;
  /** When the last piece was read, by `performance.now()`. */
  nowMs = performance.now();
  readonly skipped: (readonly [first: number, last: number])[] = [];
  readonly limits: FloodLimits;
  readonly #reader = new FrameReader((type, flag, streamId, bytes, start, end) =>
    receiveFrame(this, type, flag, streamId, bytes, start, end),
  );
  #resetHere: Set<number> | undefined;
  #queuedBytes = 0;
  #unreadBytes = 0;
  #preface = 0;
  /** Since when nothing is read, since the peer reads nothing; by `performance.now()`, 0 while it does. */
  pausedSinceMs = 0;
  #onPong: (() => void) | undefined;
  #onClose: (() => void)[] = [];

  constructor(socket: Duplex, options: SessionOptions) {
    this.socket = socket;
    this.options = options;
    this.output = new Output(socket, () => this.#resume());
    this.limits = new FloodLimits(options.maxConcurrentStreams);
    this.#sendSettings();
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('close', () => this.#socketClosed());
    socket.on('error', () => undefined);
    socket.resume();
  }

  #sendSettings(): void {
    const { output, options } = this;
    output.frame(frameTypes.settings, 0, 0, 12);
    output.uint16(settings.maxConcurrentStreams);
    output.uint32(options.maxConcurrentStreams);
    output.uint16(settings.maxHeaderListSize);
    output.uint32(options.maxHeaderListBytes);
  }

  #read(chunk: Buffer): void {
    if (this.isOver) {
      return;
    }
    this.nowMs = performance.now();
    try {
      const start = this.#readPreface(chunk);
      if (start < chunk.length) {
        this.#reader.read(chunk, start);
      }
    } catch (error) {
      this.fail(error);
    }
    if (this.output.isFull && this.pausedSinceMs === 0 && !this.isOver) {
      // Its peer does not read: then nothing is read of it either.
      this.pausedSinceMs = this.nowMs;
      this.socket.pause();
    }
  }

  /** The peer reads again. */
  #resume(): void {
    try {
      pumpBlocked(this);
    } catch (error) {
      this.fail(error);
    }
    if (this.pausedSinceMs > 0) {
      this.pausedSinceMs = 0;
      this.socket.resume();
    }
  }

  #readPreface(chunk: Buffer): number {
    if (this.#preface === clientPreface.length) {
      return 0;
    }
    const length = Math.min(clientPreface.length - this.#preface, chunk.length);
    const expected = clientPreface.subarray(this.#preface, this.#preface + length);
    if (!chunk.subarray(0, length).equals(expected)) {
      throw new ConnectionError(
        errorCodes.protocolError,
        'a connection that begins otherwise than HTTP/2 does',
      );
    }
    this.#preface += length;
    return length;
  }

  /** Ends the stream or the connection that an error is about. */
  fail(error: unknown): void {
    if (error instanceof StreamError) {
      this.failStream(error);
    } else if (error instanceof ConnectionError) {
      this.destroy(error.code);
    } else {
      this.options.onDefect(error);
      this.destroy(errorCodes.internalError);
    }
  }

  failStream({ streamId, code }: StreamError): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      sendReset(this, streamId, code);
      this.noteReset(streamId);
    } else {
      stream.close(code);
    }
    try {
      this.limits.streamErrors.count(this.nowMs);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Remembers that a stream was reset here. */
  noteReset(streamId: number): void {
    const remembered = (this.#resetHere ??= new Set());
    remembered.add(streamId);
    if (remembered.size > maxRemembered) {
      const [oldest = 0] = remembered;
      remembered.delete(oldest);
    }
  }

  wasResetHere(streamId: number): boolean {
    return this.#resetHere?.has(streamId) === true;
  }

  sendHeaders(stream: Http2Stream, fields: readonly string[], endStream: boolean): void {
    sendHeaders(this, stream.id, fields, endStream);
  }

  pump(stream: Http2Stream): void {
    try {
      pumpStream(this, stream);
    } catch (error) {
      this.fail(error);
    }
  }

  sendReset(stream: Http2Stream, code: number): void {
    this.noteReset(stream.id);
    sendReset(this, stream.id, code);
  }

  consumed(stream: Http2Stream, bytes: number): void {
    if (stream.remoteEnded || stream.closed) {
      return;
    }
    stream.unacknowledged += bytes;
    if (stream.unacknowledged >= acknowledgedBytes) {
      sendWindowUpdate(this, stream.id, stream.unacknowledged);
      stream.receiveWindow += stream.unacknowledged;
      stream.unacknowledged = 0;
    }
  }

  /** The same of the connection, whose bytes are used when they are read: what waits is bounded by each stream's window. */
  consumedByConnection(bytes: number): void {
    this.unacknowledged += bytes;
    if (this.unacknowledged >= acknowledgedBytes) {
      sendWindowUpdate(this, 0, this.unacknowledged);
      this.receiveWindow += this.unacknowledged;
      this.unacknowledged = 0;
    }
  }

  forget(stream: Http2Stream): void {
    this.streams.delete(stream.id);
    this.blocked.delete(stream);
    this.queuedBytes -= stream.queuedBytes;
    if (this.isClosing && this.streams.size === 0) {
      this.#end(this.options.graceMs);
    }
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  set queuedBytes(bytes: number) {
    this.options.queued.bytes += bytes - this.#queuedBytes;
    this.#queuedBytes = bytes;
  }

  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  set unreadBytes(bytes: number) {
    this.options.unread.bytes += bytes - this.#unreadBytes;
    this.#unreadBytes = bytes;
  }

  get hasLastingStreams(): boolean {
    for (const stream of this.streams.values()) {
      if (stream.isLasting) {
        return true;
      }
    }
    return false;
  }

  /** Whether answers that are not taken are so many that there may be no more calls. */
  get isOverfull(): boolean {
    return this.queuedBytes > maxQueuedBytes;
  }

  /** Tells the peer to go away; calls in flight finish, and then the connection ends. */
  close(): void {
    if (this.isClosing || this.isOver) {
      return;
    }
    this.isClosing = true;
    sendGoaway(this, errorCodes.noError);
    if (this.streams.size === 0) {
      this.#end(this.options.graceMs);
    }
  }

  /** Asks whether the peer is there. */
  ping(onPong: () => void): void {
    this.#onPong = onPong;
    this.output.frame(frameTypes.ping, 0, 0, 8);
    this.output.uint32(0);
    this.output.uint32(0);
  }

  /** Called with the answer to a PING. */
  pong(): void {
    const onPong = this.#onPong;
    this.#onPong = undefined;
    onPong?.();
  }

  /** Ends the connection and all its streams. @param code of GOAWAY; see `errorCodes`. */
  destroy(code: number = errorCodes.noError): void {
    if (this.isOver) {
      return;
    }
    sendGoaway(this, code);
    this.#end(lingerMs);
    this.#closeStreams();
  }

  #end(graceMs: number): void {
    if (this.isOver) {
      return;
    }
    this.isOver = true;
    this.output.flush();
    this.socket.end();
    // What it still sends is read, so that it can read the GOAWAY: a socket that is closed with bytes unread is reset.
    this.socket.resume();
    const timer = setTimeout(() => this.socket.destroy(), graceMs).unref();
    this.socket.once('close', () => clearTimeout(timer));
  }

  #socketClosed(): void {
    this.isOver = true;
    this.#closeStreams();
    const listeners = this.#onClose;
    this.#onClose = [];
    listeners.forEach((listener) => listener());
  }

  #closeStreams(): void {
    for (const stream of this.streams.values()) {
      stream.closeWith(errorCodes.cancel);
    }
  }

  /** Calls `listener` when the connection is closed. */
  onClose(listener: () => void): void {
    this.#onClose.push(listener);
  }
}
