/** Timeouts and limits of connections; times in milliseconds. */
export interface ConnectionLimits {
  /** For the first bytes of a connection, which tell the protocol. */
  readonly sniffTimeoutMs: number;
  /** HTTP/1.1: for the headers of a request. */
  readonly headersTimeoutMs: number;
  /** For a whole request, body included. */
  readonly requestTimeoutMs: number;
  /** A connection without a call is closed after this long. */
  readonly idleTimeoutMs: number;
  /** HTTP/2: calls in flight on one connection. */
  readonly maxConcurrentStreams: number;
  /** Connections at the same time, of both kinds; one more is closed at once. */
  readonly maxConnections: number;
  /** Names and values of all headers of a request, in bytes; HTTP/2 counts 32 more for each. */
  readonly maxHeaderBytes: number;
}
