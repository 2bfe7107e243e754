import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { Dispatcher } from 'undici';
import { describeError } from '../../base/error-text.ts';
import type { MachineClock } from '../../base/clock.ts';
import { type AttemptFailure, type AttemptResult, parseRetryAfter } from '../retry-policy.ts';
import type { RequestClient } from './connections.ts';
import { EgressRefusedError } from './connector.ts';

/** A webhook address, taken apart. */
export interface WebhookTarget {
  /** Scheme, host and port. */
  readonly origin: string;
  /** With the query. */
  readonly path: string;
}

/** @throws TypeError when it is no URL, which no address of a payment is. */
export function toWebhookTarget(url: string): WebhookTarget {
  const { origin, pathname, search } = new URL(url);
  return { origin, path: pathname + search };
}

/** What to send in one attempt. */
interface WebhookRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the whole attempt, from connecting to the last byte of the answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** No more than this is read of an answer, in bytes. */
const maxResponseBytes = 20_000;
/** No more than this of an answer is remembered and goes into the log, in characters. */
const maxExcerptLength = 200;
/** What so many characters take in UTF-8. */
const maxExcerptBytes = 4 * maxExcerptLength;

/** POSTs one webhook and classifies the answer. Never rejects. Redirects are failures, never followed. */
export function sendWebhookRequest(
  client: RequestClient,
  request: WebhookRequest,
  clock: Pick<MachineClock, 'now'>,
): Promise<AttemptResult> {
  return new Promise((resolve) => {
    const { path, headers, body } = request;
    client.dispatch({ method: 'POST', path, headers, body }, new Exchange(request.timeoutMs, clock, resolve));
  });
}

/**
 * One request and its answer, as undici tells of them. This is what undici's `request` is made of; that
 * one would make a stream, an iterator and an abort signal for an answer that is nearly always empty.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #clock: Pick<MachineClock, 'now'>;
  readonly #resolve: (result: AttemptResult) => void;
  readonly #timeoutMs: number;
  readonly #timeout: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #isLate = false;
  #statusCode = 0;
  #retryAfter: string | string[] | undefined;
  #bytesRead = 0;
  #excerpt = '';
  #decoder: StringDecoder | undefined;

  constructor(timeoutMs: number, clock: Pick<MachineClock, 'now'>, resolve: (result: AttemptResult) => void) {
    this.#clock = clock;
    this.#resolve = resolve;
    this.#timeoutMs = timeoutMs;
    this.#timeout = setTimeout(() => {
      this.#isLate = true;
      this.#breakOff();
    }, timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isLate) {
      this.#breakOff();
    }
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
  ): void {
    // An interim answer has a status below 200 and is followed by another.
    this.#statusCode = statusCode;
    this.#retryAfter = headers['retry-after'];
  }

  /** The answer is read to its end so that the connection can be used again, or broken off if too long. */
  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytesRead += chunk.byteLength;
    if (this.#excerpt.length < maxExcerptLength) {
      this.#decoder ??= new StringDecoder('utf8');
      // Not all of it: a string that is cut later keeps what it was cut from.
      this.#excerpt += this.#decoder.write(chunk.subarray(0, maxExcerptBytes));
    }
    if (this.#bytesRead >= maxResponseBytes) {
      this.#end(this.#judge());
      this.#breakOff();
    }
  }

  onResponseEnd(): void {
    this.#end(this.#judge());
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(this.#explain(error));
  }

  #explain(error: Error): AttemptResult {
    if (error instanceof EgressRefusedError) {
      return failed('egress_refused', false, describeError(error));
    }
    return this.#isLate
      ? failed('timeout', true, `no complete answer within ${this.#timeoutMs} ms`)
      : failed('connection', true, describeError(error));
  }

  #judge(): AttemptResult {
    const statusCode = this.#statusCode;
    const excerpt = this.#excerpt.slice(0, maxExcerptLength);
    const answer = excerpt === '' ? {} : { answer: excerpt };
    if (isSuccess(statusCode)) {
      return { outcome: 'delivered', statusCode, ...answer };
    }
    return {
      outcome: 'failed',
      statusCode,
      ...answer,
      failure: classifyStatus(statusCode, this.#retryAfter, this.#clock.now()),
      detail: `${statusCode} ${STATUS_CODES[statusCode] ?? 'Unassigned'}: ${excerpt}`,
    };
  }

  /** The first end counts. */
  #end(result: AttemptResult): void {
    clearTimeout(this.#timeout);
    this.#resolve(result);
  }

  /**
   * Leads to `onResponseError`. Before the request has started there is nothing to break off: the socket is
   * being set up, which has a time of its own, and until then it counts as a connection.
   */
  #breakOff(): void {
    this.#controller?.abort(new Error('broken off'));
  }
}

function isSuccess(statusCode: number): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function failed(reason: string, retryable: boolean, detail: string): AttemptResult {
  return { outcome: 'failed', failure: { reason, retryable }, detail };
}

function classifyStatus(
  statusCode: number,
  retryAfter: string | string[] | undefined,
  nowMs: number,
): AttemptFailure {
  // 410 Gone: the receiver says that it will never want this address called again.
  const failure = { reason: `http_${statusCode}`, retryable: statusCode !== 410 };
  if ((statusCode !== 429 && statusCode !== 503) || retryAfter === undefined) {
    return failure;
  }
  const retryAfterMs = parseRetryAfter(
    typeof retryAfter === 'string' ? retryAfter : (retryAfter[0] ?? ''),
    nowMs,
  );
  return retryAfterMs === undefined ? failure : { ...failure, retryAfterMs };
}
