/** Ends the connection: GOAWAY with this code. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: number;

  /** @param code see `errorCodes`. */
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Ends a stream: RST_STREAM with this code. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly streamId: number;
  readonly code: number;

  /** @param code see `errorCodes`. */
  constructor(streamId: number, code: number, message: string) {
    super(message);
    this.streamId = streamId;
    this.code = code;
  }
}
