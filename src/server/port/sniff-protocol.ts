import type { Socket } from 'node:net';

/** The protocol of a connection; 'none' when it ended before enough bytes had come. */
type SniffedProtocol = 'http1' | 'http2' | 'none';

/** How an HTTP/2 connection begins (RFC 9113, 3.4). No HTTP/1.1 method starts with these letters. */
const http2Preface = Buffer.from('PRI');

/**
 * Events after which no more bytes come. `end` is one of them, because sockets of an HTTP server may
 * stay half open: `close` does not follow by itself.
 */
const endEvents = ['end', 'error', 'close'] as const;

/**
 * Reads the first bytes of a connection, puts them back and passes its protocol to `decide`, once.
 * Three bytes are needed, because POST starts with P as well.
 *
 * @param timeoutMs a connection that has not sent them by then is ended, in milliseconds.
 */
export function sniffProtocol(
  socket: Socket,
  timeoutMs: number,
  decide: (protocol: SniffedProtocol) => void,
): void {
  let head: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);

  function finish(protocol: SniffedProtocol): void {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    for (const event of endEvents) {
      socket.off(event, onEnded);
    }
    if (protocol !== 'none') {
      socket.unshift(head);
    }
    decide(protocol);
  }

  function onReadable(): void {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    }
    if (head.length === 0) {
      return;
    }
    const known = Math.min(head.length, http2Preface.length);
    if (!head.subarray(0, known).equals(http2Preface.subarray(0, known))) {
      finish('http1');
    } else if (known === http2Preface.length) {
      finish('http2');
    }
  }

  function onEnded(): void {
    socket.destroy();
    finish('none');
  }

  socket.on('readable', onReadable);
  for (const event of endEvents) {
    socket.once(event, onEnded);
  }
}
