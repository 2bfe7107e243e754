import type { StreamError } from './errors.ts';
import type { FloodLimits } from './flood-limits.ts';
import type { HpackDecoder } from './hpack/decoder.ts';
import type { HpackEncoder } from './hpack/encoder.ts';
import type { Output } from './output.ts';
import type { Http2Stream, StreamConnection } from './stream.ts';

/** What a session works with. */
export interface SessionOptions {
  readonly maxConcurrentStreams: number;
  /** Names and values of all headers of a request, each header with 32 bytes more. */
  readonly maxHeaderListBytes: number;
  /** Called with each request, when its headers have come. */
  readonly onStream: (stream: Http2Stream) => void;
  /** Told of an error that is neither the peer's nor a limit's; the connection ends with INTERNAL_ERROR. */
  readonly onDefect: (error: unknown) => void;
  /** How long the peer may take to read the last answers, in milliseconds. */
  readonly graceMs: number;
  /** What all connections have queued. */
  readonly queued: { bytes: number };
  /** What of bodies nobody has read, of all connections. */
  readonly unread: { bytes: number };
}

/** A header block that comes in several frames. */
export interface HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly dependsOnItself: boolean;
  readonly pieces: Buffer[];
  bytes: number;
}

/** What is known of a connection, for those who receive and send its frames. Windows and sizes in bytes. */
export interface SessionState extends StreamConnection {
  readonly options: SessionOptions;
  readonly output: Output;
  readonly decoder: HpackDecoder;
  readonly encoder: HpackEncoder;
  readonly limits: FloodLimits;
  readonly streams: Map<number, Http2Stream>;
  /** Streams with something queued that waits for the connection's window or for the peer to read, not for their own. */
  readonly blocked: Set<Http2Stream>;
  /** Of the last request that came. */
  lastStreamId: number;
  /** What the last GOAWAY named as the last request; later ones name no higher one (6.8). */
  goawayStreamId: number;
  sendWindow: number;
  receiveWindow: number;
  peerInitialWindow: number;
  peerMaxFrameBytes: number;
  /** The block that CONTINUATION frames go on with. */
  block: HeaderBlock | undefined;
  /** The first SETTINGS have come. */
  hasSettings: boolean;
  /** GOAWAY has been sent: no new streams. */
  readonly isClosing: boolean;
  /** Nothing is received or sent any more. */
  readonly isOver: boolean;
  /** Answers that are not taken are so many that there may be no more calls. */
  readonly isOverfull: boolean;
  /** When the last piece was read, by `performance.now()`. */
  readonly nowMs: number;
  /** So much of the window of the connection has been used: the peer may send as much again. */
  consumedByConnection(bytes: number): void;
  failStream(error: StreamError): void;
  /** Ends the connection when the calls in flight have. */
  close(): void;
  /** Ids that were passed over, first and last, of which no stream can begin any more; some of the latest. */
  readonly skipped: (readonly [first: number, last: number])[];
  /** Remembers that a stream was reset here. */
  noteReset(streamId: number): void;
  wasResetHere(streamId: number): boolean;
  /** A PING has been answered. */
  pong(): void;
}
