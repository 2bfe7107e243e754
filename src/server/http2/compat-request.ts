import { Readable } from 'node:stream';
import type { Socket } from 'node:net';
import type { RequestHeaders } from './request-head.ts';
import type { Http2Stream } from './stream.ts';

/** A request as Node's servers give it, for who serves HTTP/1.1 as well. */
export class Http2Request extends Readable {
  readonly httpVersion = '2.0';
  readonly httpVersionMajor = 2;
  readonly httpVersionMinor = 0;
  readonly stream: Http2Stream;
  readonly headers: RequestHeaders;
  readonly socket: Socket;
  readonly method: string;
  url: string;
  #isBegun = false;

  /** @param socket of the connection. */
  constructor(stream: Http2Stream, socket: Socket) {
    // The stream is over when the answer is, not when the body has been read.
    // What waits does so in the stream, which puts short pieces together.
    super({ autoDestroy: false, highWaterMark: 1 });
    this.stream = stream;
    this.headers = stream.headers;
    this.socket = socket;
    this.method = stream.headers[':method'] ?? '';
    this.url = stream.headers[':path'] ?? '';
    // Who still reads finds that the end of the body has not come.
    stream.onClose(() => void this.emit('close'));
  }

  override _read(): void {
    const { stream } = this;
    if (this.#isBegun) {
      stream.resume();
      return;
    }
    this.#isBegun = true;
    stream.read({
      onData: (chunk) => {
        if (!this.push(chunk)) {
          stream.pause();
        }
      },
      onEnd: () => void this.push(null),
    });
  }

  get authority(): string {
    return this.headers[':authority'] ?? this.headers.host ?? '';
  }

  get scheme(): string {
    return this.headers[':scheme'] ?? '';
  }

  /** Whether all of the body has come. */
  get complete(): boolean {
    return this.stream.remoteEnded;
  }

  get aborted(): boolean {
    return this.stream.closed && !this.stream.localEnded;
  }
}
