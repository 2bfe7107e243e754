import { constants, type ServerHttp2Stream } from 'node:http2';

/** How long a caller may go on sending after it was answered, in milliseconds. */
const lingerMs = 1_000;

/**
 * Ends a stream whose caller still sends although it has its answer (RFC 9113, 8.1). Without it a
 * stream whose body was refused stays open, unread, for as long as its connection.
 */
export function closeWhenAnswered(stream: ServerHttp2Stream): void {
  stream.once('finish', () => {
    if (hasEnded(stream)) {
      return;
    }
    stream.resume();
    // Not at once: a reset overtakes trailers that are about to be sent.
    const timer = setTimeout(() => {
      if (!hasEnded(stream)) {
        stream.close(constants.NGHTTP2_NO_ERROR);
      }
    }, lingerMs);
    stream.once('close', () => clearTimeout(timer));
  });
}

/** Whether the caller has sent all it had, or the stream is over anyway. */
function hasEnded(stream: ServerHttp2Stream): boolean {
  return stream.closed || stream.destroyed || stream.state.remoteClose === 1;
}
