import {
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { errorCodes } from './constants.ts';
import { headFields, toFields } from './response-fields.ts';
import type { Http2Stream } from './stream.ts';

/** Answers that have no body (RFC 9110, 6.4.1). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** An answer as Node's servers give it, for who serves HTTP/1.1 as well. */
export class Http2Response extends Writable {
  readonly httpVersion = '2.0';
  readonly stream: Http2Stream;
  readonly socket: Socket;
  readonly #headers = new Map<string, OutgoingHttpHeader>();
  statusCode = 200;
  #trailers: string[] | undefined;
  /** The end is being sent, upon which the stream may close at once. */
  #isFinishing = false;

  /** @param socket of the connection. */
  constructor(stream: Http2Stream, socket: Socket) {
    super({ autoDestroy: false, decodeStrings: true });
    this.stream = stream;
    this.socket = socket;
    stream.onClose(() => {
      if (this.#isFinishing) {
        // Who waits for the end of an answer is told of it before it is told of the end of the stream.
        this.once('finish', () => this.destroy());
      } else {
        this.destroy();
      }
    });
  }

  get headersSent(): boolean {
    return this.stream.headersSent;
  }

  setHeader(name: string, value: OutgoingHttpHeader): this {
    validateHeaderName(name);
    validateHeaderValue(name, String(value));
    if (this.headersSent) {
      throw new Error('the headers have been sent');
    }
    this.#headers.set(name.toLowerCase(), value);
    return this;
  }

  getHeader(name: string): OutgoingHttpHeader | undefined {
    return this.#headers.get(name.toLowerCase());
  }

  getHeaders(): OutgoingHttpHeaders {
    return Object.fromEntries(this.#headers);
  }

  getHeaderNames(): string[] {
    return [...this.#headers.keys()];
  }

  hasHeader(name: string): boolean {
    return this.#headers.has(name.toLowerCase());
  }

  removeHeader(name: string): void {
    this.#headers.delete(name.toLowerCase());
  }

  /** @throws TypeError for a header that there cannot be. */
  writeHead(status: number, headers: OutgoingHttpHeaders = {}): this {
    this.statusCode = status;
    this.#sendHead(headers, this.#hasNoBody);
    return this;
  }

  flushHeaders(): void {
    if (!this.headersSent) {
      this.#sendHead({}, this.#hasNoBody);
    }
  }

  /**
   * Sends headers that end the stream.
   *
   * @throws TypeError for a header that there cannot be.
   */
  sendHeadAlone(status: number, headers: OutgoingHttpHeaders): void {
    this.statusCode = status;
    this.#sendHead(headers, true);
  }

  addTrailers(trailers: OutgoingHttpHeaders): void {
    this.#trailers = toFields(trailers);
  }

  get #hasNoBody(): boolean {
    return bodiless.has(this.statusCode) || this.stream.headers[':method'] === 'HEAD';
  }

  #sendHead(headers: OutgoingHttpHeaders, endStream: boolean): void {
    this.stream.respond(headFields(this.statusCode, { ...this.getHeaders(), ...headers }), endStream);
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    try {
      this.flushHeaders();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.stream.write(chunk, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#isFinishing = true;
    try {
      if (!this.headersSent && this.#trailers === undefined) {
        // Headers alone, if there was no body.
        this.#sendHead({}, true);
      } else {
        this.flushHeaders();
        this.stream.end(this.#trailers);
      }
      this.#isFinishing &&= this.stream.closed;
      done();
    } catch (error) {
      this.#isFinishing = false;
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.stream.close(error === null ? errorCodes.cancel : errorCodes.internalError);
    done(null);
  }
}
