import { errorCodes, initialWindowBytes } from './constants.ts';
import type { RequestHeaders } from './request-head.ts';
import { UnreadBody } from './unread-body.ts';

/** Takes the body of a request as it comes. */
export interface BodySink {
  onData(chunk: Buffer): void;
  /** All of it has come. Never called for a stream that is reset. */
  onEnd(): void;
}

/** How long a caller may go on sending after the answer, in milliseconds (RFC 9113, 8.1). */
const lingerMs = 1_000;

/** A piece of an answer that waits for the windows. */
interface QueuedPiece {
  readonly bytes: Uint8Array;
  /** What of it has been sent. */
  sent: number;
  readonly onTaken: (() => void) | undefined;
}

/** What a stream needs of its connection. */
export interface StreamConnection {
  /** What all streams have queued, in bytes. */
  queuedBytes: number;
  /** What of their bodies nobody has read, in bytes. */
  unreadBytes: number;
  sendHeaders(stream: Http2Stream, fields: readonly string[], endStream: boolean): void;
  /** Sends of what is queued as much as the windows allow, and then the end if it is due. */
  pump(stream: Http2Stream): void;
  sendReset(stream: Http2Stream, code: number): void;
  /** So much of the body has been used: the peer may send as much again. */
  consumed(stream: Http2Stream, bytes: number): void;
  forget(stream: Http2Stream): void;
}

/**
 * A request and its answer (RFC 9113, 5.1). What of the request comes before anybody reads it waits here, up to the
 * window; of what is answered, what the peer's windows have no room for.
 */
export class Http2Stream {
  readonly id: number;
  readonly headers: RequestHeaders;
  /** The peer's connection: the same object for all of its streams. */
  readonly connection: StreamConnection;
  /** When the headers came, by `performance.now()`. */
  readonly beganAtMs: number;
  /** Whether body and answer may take as long as they like. */
  isLasting = false;
  /** The peer has ended its side. */
  remoteEnded: boolean;
  /** The end of the answer has been sent. */
  localEnded = false;
  closed = false;
  /** The code it was reset with, by either side; NO_ERROR when it was not. */
  rstCode: number = errorCodes.noError;
  headersSent = false;
  /** What the peer may still send, and what was used of it and not given back. */
  receiveWindow = initialWindowBytes;
  unacknowledged = 0;
  sendWindow: number;
  /** `content-length`, as far as there is one, and what has come of it. */
  readonly expectedBytes: number | undefined;
  receivedBytes = 0;
  readonly queue: QueuedPiece[] = [];
  queuedBytes = 0;
  /** Since when the queue has not moved, by `performance.now()`. */
  blockedSinceMs = 0;
  /** No more is queued: the end follows. */
  isEnding = false;
  trailers: readonly string[] | undefined;
  #sink: BodySink | undefined;
  #isPaused = false;
  #unread: UnreadBody | undefined;
  #onClose: (() => void) | (() => void)[] | undefined;
  #onAnswered: (() => void) | undefined;
  /** The end of the body has been passed on. */
  isEndPassed = false;

  constructor(
    id: number,
    headers: RequestHeaders,
    connection: StreamConnection,
    sendWindow: number,
    remoteEnded: boolean,
    nowMs: number,
  ) {
    this.id = id;
    this.headers = headers;
    this.connection = connection;
    this.sendWindow = sendWindow;
    this.remoteEnded = remoteEnded;
    this.beganAtMs = nowMs;
    const length = headers['content-length'];
    this.expectedBytes = length === undefined ? undefined : Number(length);
  }

  /** Passes the body on, or what is left of it. */
  read(sink: BodySink): void {
    this.#sink = sink;
    this.#isPaused = false;
    this.isEndPassed = false;
    this.#passUnread();
  }

  /** Keeps what comes, up to the window, until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#passUnread();
  }

  /** Reads what is left of the body and drops it. */
  drain(): void {
    this.#sink = ignored;
    this.resume();
  }

  /** Called by the connection with what has come. */
  receive(chunk: Buffer): void {
    if (this.#sink === undefined || this.#isPaused || this.#unread !== undefined) {
      (this.#unread ??= new UnreadBody()).add(chunk);
      this.connection.unreadBytes += chunk.length;
      return;
    }
    this.#pass(this.#sink, chunk);
  }

  /** Whether some of the body waits for who reads it. */
  get hasUnread(): boolean {
    return this.#unread !== undefined;
  }

  /** Called by the connection when the peer has ended its side. */
  receiveEnd(): void {
    this.remoteEnded = true;
    this.#passUnread();
  }

  #pass(sink: BodySink, chunk: Buffer): void {
    this.connection.consumed(this, chunk.length);
    sink.onData(chunk);
  }

  #passUnread(): void {
    while (this.#sink !== undefined && !this.#isPaused && this.#unread !== undefined) {
      const chunk = this.#unread.take();
      if (this.#unread.bytes === 0) {
        this.#unread = undefined;
      }
      if (chunk !== undefined) {
        this.connection.unreadBytes -= chunk.length;
        this.#pass(this.#sink, chunk);
      }
    }
    const isAllPassed = this.#unread === undefined && !this.#isPaused;
    if (this.remoteEnded && isAllPassed && !this.isEndPassed && this.#sink !== undefined && !this.closed) {
      this.isEndPassed = true;
      this.#sink.onEnd();
    }
  }

  /**
   * Sends the head of the answer.
   *
   * @param fields `:status` first, then names in lower case and values, alternating.
   * @param endStream whether that is all of it.
   */
  respond(fields: readonly string[], endStream: boolean): void {
    if (this.closed || this.headersSent) {
      return;
    }
    this.headersSent = true;
    this.connection.sendHeaders(this, fields, endStream);
    if (endStream) {
      this.isEnding = true;
      this.ended();
    }
  }

  /** Sends an interim answer, such as 100. */
  inform(fields: readonly string[]): void {
    if (!this.closed && !this.headersSent) {
      this.connection.sendHeaders(this, fields, false);
    }
  }

  /** Queues a piece of the body. @param onTaken called when the peer's windows had room for all of it. */
  write(bytes: Uint8Array, onTaken?: () => void): void {
    if (this.closed || this.isEnding) {
      onTaken?.();
      return;
    }
    this.queue.push({ bytes, sent: 0, onTaken });
    this.queuedBytes += bytes.length;
    this.connection.queuedBytes += bytes.length;
    this.connection.pump(this);
  }

  /**
   * Ends the answer behind what is queued.
   *
   * @param trailers names in lower case and values, alternating.
   * @param last the last piece of the body.
   */
  end(trailers?: readonly string[], last?: Uint8Array): void {
    if (this.closed || this.isEnding) {
      return;
    }
    if (last !== undefined) {
      this.queue.push({ bytes: last, sent: 0, onTaken: undefined });
      this.queuedBytes += last.length;
      this.connection.queuedBytes += last.length;
    }
    this.isEnding = true;
    this.trailers = trailers;
    this.connection.pump(this);
  }

  /** Resets the stream. */
  close(code: number): void {
    if (!this.closed) {
      this.connection.sendReset(this, code);
      this.closeWith(code);
    }
  }

  /** Called by the connection when the end of the answer has been sent. */
  ended(): void {
    this.localEnded = true;
    const answered = this.#onAnswered;
    this.#onAnswered = undefined;
    answered?.();
    if (this.remoteEnded) {
      this.closeWith(errorCodes.noError);
    } else {
      // What the caller still sends nobody reads, for a while: a reset could overtake what it has not read yet.
      this.drain();
      const timer = setTimeout(() => this.close(errorCodes.noError), lingerMs).unref();
      this.onClose(() => clearTimeout(timer));
    }
  }

  /** Called when the stream is over, however it came to that. */
  closeWith(code: number): void {
    if (this.closed) {
      return;
    }
    this.closed = true;
    this.rstCode = code;
    this.connection.forget(this);
    this.connection.unreadBytes -= this.#unread?.bytes ?? 0;
    this.#unread = undefined;
    this.#sink = undefined;
    const queue = this.queue.splice(0);
    this.queuedBytes = 0;
    const listeners = this.#onClose;
    this.#onClose = undefined;
    this.#onAnswered = undefined;
    for (const { onTaken } of queue) {
      onTaken?.();
    }
    if (typeof listeners === 'function') {
      listeners();
    } else {
      listeners?.forEach((listener) => listener());
    }
  }

  /** Calls `listener` when the stream is over; at once when it is. */
  onClose(listener: () => void): void {
    if (this.closed) {
      listener();
      return;
    }
    const before = this.#onClose;
    if (before === undefined) {
      this.#onClose = listener;
    } else {
      this.#onClose = typeof before === 'function' ? [before, listener] : [...before, listener];
    }
  }

  /** Calls `listener` when the end of the answer has been sent. */
  onAnswered(listener: () => void): void {
    this.#onAnswered = listener;
  }
}

const ignored: BodySink = { onData: () => undefined, onEnd: () => undefined };
