import { constants, type ServerHttp2Stream } from 'node:http2';

/** How long a caller may go on sending after the answer, in milliseconds. */
const lingerMs = 1_000;

/**
 * Closes a stream whose caller still sends after the answer has ended (RFC 9113, 8.1). Otherwise a
 * stream whose body was refused would stay open, unread, for as long as its connection.
 */
export function closeWhenAnswered(stream: ServerHttp2Stream): void {
  stream.once('finish', () => {
    if (hasEnded(stream)) {
      return;
    }
    stream.resume();
    // Not at once: RST_STREAM would be sent before trailers that Node has still queued.
    const timer = setTimeout(() => {
      if (!hasEnded(stream)) {
        stream.close(constants.NGHTTP2_NO_ERROR);
      }
    }, lingerMs);
    stream.once('close', () => clearTimeout(timer));
  });
}

/** Whether the caller has ended its side of the stream, or the stream is closed. */
function hasEnded(stream: ServerHttp2Stream): boolean {
  return stream.closed || stream.destroyed || stream.state.remoteClose === 1;
}
