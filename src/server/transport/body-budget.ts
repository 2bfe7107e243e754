import { Code, ConnectError } from '@connectrpc/connect';

/** What the bodies of one connection hold that have not come in whole. */
export interface ConnectionBodies {
  /**
   * Counts bytes of a body that is not complete.
   *
   * @param body bytes of it that are held already.
   * @returns false, and counts nothing, when there is no room for them.
   */
  hold(bytes: number, body: number): boolean;
  /** Gives back the bytes of a body: it is complete, refused, or its stream has closed. */
  release(bytes: number): void;
  /** Whether so many bodies have begun that a piece of one may not keep the read that it came in. */
  readonly mustCopy: boolean;
  /** Gives back what is left when the connection has closed. */
  close(): void;
}

/** Counts the bytes of one body until it is complete or not needed any more. */
export class HeldBody {
  readonly #connection: ConnectionBodies;
  #bytes = 0;

  /** @param connection that the body comes by. */
  constructor(connection: ConnectionBodies) {
    this.#connection = connection;
  }

  /** Counts more bytes; false, and counts nothing, when there is no room for them. */
  hold(bytes: number): boolean {
    const hasRoom = this.#connection.hold(bytes, this.#bytes);
    if (hasRoom) {
      this.#bytes += bytes;
    }
    return hasRoom;
  }

  /** Gives back what was counted. May be called more than once. */
  release(): void {
    this.#connection.release(this.#bytes);
    this.#bytes = 0;
  }

  /** See `ConnectionBodies`. */
  get mustCopy(): boolean {
    return this.#connection.mustCopy;
  }
}

/** Bounds what request bodies hold that have not come in whole, per connection and in all. */
export interface BodyBudget {
  /** That of a connection: a socket over HTTP/1.1, a session over HTTP/2. */
  of(connection: object): ConnectionBodies;
}

/** The least that one connection, and all together, may hold, in bytes. */
const minConnectionBytes = 8_388_608;
const minProcessBytes = 67_108_864;
/** Of the largest message, so that some of them may be on their way. */
const connectionMessages = 4;
const processMessages = 16;

/**
 * A piece of an HTTP/2 body is a view of all that was read with it, up to 64 KiB. Beyond so many bodies
 * pieces are copied, so that what is counted is what is held.
 */
const maxViewsPerConnection = 64;
const maxViews = 512;

/** What all connections hold. */
interface HeldBodies {
  bytes: number;
  bodies: number;
}

/** @param readMaxBytes largest message, in bytes. */
export function createBodyBudget(readMaxBytes: number): BodyBudget {
  const connectionBytes = Math.max(minConnectionBytes, connectionMessages * readMaxBytes);
  const processBytes = Math.max(minProcessBytes, processMessages * readMaxBytes);
  const all: HeldBodies = { bytes: 0, bodies: 0 };
  const connections = new WeakMap<object, ConnectionBodies>();
  return {
    of(connection) {
      const known = connections.get(connection);
      if (known !== undefined) {
        return known;
      }
      const bodies = new CountedBodies(all, connectionBytes, processBytes);
      connections.set(connection, bodies);
      return bodies;
    },
  };
}

class CountedBodies implements ConnectionBodies {
  readonly #all: HeldBodies;
  readonly #maxBytes: number;
  readonly #maxAllBytes: number;
  #bytes = 0;
  #bodies = 0;

  constructor(all: HeldBodies, maxBytes: number, maxAllBytes: number) {
    this.#all = all;
    this.#maxBytes = maxBytes;
    this.#maxAllBytes = maxAllBytes;
  }

  hold(bytes: number, body: number): boolean {
    if (bytes === 0) {
      return true;
    }
    if (this.#bytes + bytes > this.#maxBytes || this.#all.bytes + bytes > this.#maxAllBytes) {
      return false;
    }
    if (body === 0) {
      this.#bodies += 1;
      this.#all.bodies += 1;
    }
    this.#bytes += bytes;
    this.#all.bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    // The connection may have closed before, and given back everything.
    if (bytes > 0 && this.#bodies > 0) {
      this.#bodies -= 1;
      this.#all.bodies -= 1;
      this.#bytes -= bytes;
      this.#all.bytes -= bytes;
    }
  }

  get mustCopy(): boolean {
    return this.#bodies > maxViewsPerConnection || this.#all.bodies > maxViews;
  }

  close(): void {
    this.#all.bodies -= this.#bodies;
    this.#all.bytes -= this.#bytes;
    this.#bodies = 0;
    this.#bytes = 0;
  }
}

/** The refusal of a body for which there is no room. */
export function noRoomForBody(): ConnectError {
  return new ConnectError(
    'too many bytes of requests that are not complete: finish those on their way first, or send fewer at a time',
    Code.ResourceExhausted,
  );
}
