import { errorCodes } from './constants.ts';
import { ConnectionError } from './errors.ts';
import type { SessionState } from './session-state.ts';
import type { Http2Stream } from './stream.ts';

export function protocolError(message: string): ConnectionError {
  return new ConnectionError(errorCodes.protocolError, message);
}

export function frameSizeError(message: string): ConnectionError {
  return new ConnectionError(errorCodes.frameSizeError, message);
}

/** The peer has ended its side of a stream. */
export function endRemote(stream: Http2Stream): void {
  stream.receiveEnd();
  if (stream.localEnded) {
    stream.closeWith(errorCodes.noError);
  }
}

export function assertNotIdle({ lastStreamId }: SessionState, streamId: number): void {
  if (streamId > lastStreamId || streamId % 2 === 0) {
    throw protocolError('a frame of a stream that has not begun');
  }
}
