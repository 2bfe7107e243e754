import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** The longest interim answer that is looked for its end, in bytes; what is longer is left to undici. */
const maxInterimBytes = 16_384;
/** How an interim answer begins: its status is below 200. */
const interimStart = Buffer.from('HTTP/1.1 1');
/** Not interim: what follows is another protocol. */
const switching = Buffer.from('HTTP/1.1 101');
const headEnd = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);

/**
 * A connector whose sockets leave out interim answers. Some servers send `100 Continue` to whoever has a body,
 * and a client that has not asked for it may ignore it (RFC 9110, section 15.2.1). undici takes it for a broken
 * answer and closes the connection.
 */
export function skippingInterim(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    connect(target, (...result) => {
      if (result[0] === null) {
        skipInterim(result[1]);
      }
      callback(...result);
    });
  };
}

/** Whether as much as there is of `bytes` is the beginning of `start`, or has it. */
function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const compared = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, compared, 0, compared) === 0;
}

/** Changes what is read from `socket`: nothing but the beginning of what follows a write is looked at. */
function skipInterim(socket: Socket): void {
  const read = socket.read.bind(socket);
  const write = socket.write.bind(socket);
  /** Whether what comes next is the beginning of an answer. */
  let isAtStart = false;
  /** The beginning of an answer, as long as it may yet be an interim one. */
  let held: Buffer = nothing;

  function strip(chunk: Buffer): Buffer {
    let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    held = nothing;
    for (;;) {
      const isInterim =
        startsAlike(rest, interimStart) && !(rest.length > 11 && startsAlike(rest, switching));
      const end = isInterim ? rest.indexOf(headEnd) : 0;
      if (!isInterim || (end === -1 && rest.length > maxInterimBytes)) {
        isAtStart = false;
        return rest;
      }
      if (end === -1) {
        held = rest;
        return nothing;
      }
      rest = rest.subarray(end + headEnd.length);
      if (rest.length === 0) {
        return rest;
      }
    }
  }

  Object.assign(socket, {
    write(...parameters: Parameters<Socket['write']>): boolean {
      isAtStart = true;
      return write(...parameters);
    },
    read(size?: number): unknown {
      for (;;) {
        const chunk: unknown = read(size);
        if (!isAtStart || !Buffer.isBuffer(chunk)) {
          return chunk;
        }
        const rest = strip(chunk);
        // An empty one would be taken for the end of what there is; there may be more.
        if (rest.length > 0) {
          return rest;
        }
      }
    },
  });
}
