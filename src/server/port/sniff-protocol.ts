import type { Socket } from 'node:net';

/** What the first bytes of a connection tell; 'none' when the peer left before saying enough. */
export type SniffedProtocol = 'http1' | 'http2' | 'none';

/** How an HTTP/2 connection begins (RFC 9113, 3.4). No HTTP/1.1 method starts with these letters. */
const http2Preface = Buffer.from('PRI');

/**
 * Reads the first bytes, puts them back and tells the protocol, once. Three bytes are needed, because
 * POST starts with P as well.
 *
 * @param timeoutMs a connection that has not said enough by then is ended, in milliseconds.
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
    for (const event of goneEvents) {
      socket.off(event, onGone);
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

  function onGone(): void {
    socket.destroy();
    finish('none');
  }

  socket.on('readable', onReadable);
  for (const event of goneEvents) {
    socket.once(event, onGone);
  }
}

/** An HTTP server's sockets may stay half open, so the peer's end is not yet a close. */
const goneEvents = ['end', 'error', 'close'] as const;
