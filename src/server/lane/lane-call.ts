import { create, type DescMessage, type DescService, type MessageShape } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextValues,
  type HandlerContext,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from '@connectrpc/connect';
import type { Compression } from '@connectrpc/connect/protocol';
import { toWebHeaders } from '../transport/header-conversion.ts';
import { LaneRequest, LaneResponse } from './lane-messages.ts';
import { refuseLateCall } from '../transport/call-timeout.ts';
import type { AnsweredCall, LaneExchange, LaneRoute, UnaryContext, UnarySpec } from './lane-types.ts';

type AnyRequest = UnaryRequest | StreamRequest;
/** What a chain of interceptors comes to; by its type a stream as well, which is an error here. */
export type AnyResponse = UnaryResponse | StreamResponse;

/**
 * One call in the lane. It is to handlers and interceptors what Connect's `createHandlerContext` and
 * `invokeUnaryImplementation` make, but its members are made when first read: three web `Headers` and
 * three `AbortController`s cost more than all the rest of a call, and few handlers read them.
 */
export class LaneCall implements UnaryContext, AnsweredCall {
  readonly route: LaneRoute;
  readonly compression: Compression | null;
  readonly compressMinBytes: number;
  readonly #exchange: LaneExchange;
  readonly #deadlineAt: number | undefined;
  #ownResponse: UnaryResponse | undefined;
  #abort: AbortController | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #values: ContextValues | undefined;

  /** @param timeoutMs the caller's deadline, in milliseconds from now. */
  constructor(
    route: LaneRoute,
    exchange: LaneExchange,
    timeoutMs: number | undefined,
    compression: Compression | null,
    compressMinBytes: number,
  ) {
    this.route = route;
    this.#exchange = exchange;
    this.compression = compression;
    this.compressMinBytes = compressMinBytes;
    this.#deadlineAt = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  }

  /** Runs the interceptors, outermost first, and the implementation. */
  invoke(input: MessageShape<DescMessage>, interceptors: readonly Interceptor[]): Promise<AnyResponse> {
    const ownRequest = new LaneRequest(this, input);
    let next = (request: AnyRequest) => this.#callImplementation(request, ownRequest);
    for (let i = interceptors.length - 1; i >= 0; i -= 1) {
      next = interceptors[i]?.(next) ?? next;
      if (i > 0) {
        next = this.#completing(next);
      }
    }
    return next(ownRequest);
  }

  /** Not async, as no other function that every call runs: each would allocate 250 bytes per call. */
  #callImplementation(request: AnyRequest, ownRequest: LaneRequest): Promise<AnyResponse> {
    const { method, impl } = this.route.spec;
    try {
      if (request.stream) {
        throw new ConnectError('an interceptor turned a unary call into a stream', Code.Internal);
      }
      const late = refuseLateCall(this.timeoutMs());
      if (late !== undefined) {
        throw late;
      }
      const context = request === ownRequest ? this : this.#contextFor(this.#completeRequest(request));
      return Promise.resolve(impl(request.message, context)).then((output) => {
        this.#ownResponse = new LaneResponse(this, create(method.output, output));
        return this.#ownResponse;
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Wraps `next` for the interceptor outside of it: when one passes on a spread copy of a request or
   * response, which has lost the getters, the other still gets every member.
   */
  #completing(next: (request: AnyRequest) => Promise<AnyResponse>) {
    return async (request: AnyRequest): Promise<AnyResponse> => {
      const response = await next(request.stream ? request : this.#completeRequest(request));
      return response.stream ? response : this.#completeResponse(response);
    };
  }

  #completeRequest(request: UnaryRequest): UnaryRequest {
    if (request instanceof LaneRequest) {
      return request;
    }
    const { url, signal, requestHeader: header, values: contextValues } = this;
    return Object.assign({ url, signal, header, contextValues }, request);
  }

  #completeResponse(response: UnaryResponse): UnaryResponse {
    return response instanceof LaneResponse
      ? response
      : Object.assign({ header: this.responseHeader, trailer: this.responseTrailer }, response);
  }

  /**
   * The output message of the response that `invoke` resolved with. Takes over the metadata of a
   * response that an interceptor made itself.
   *
   * @throws ConnectError INTERNAL when the response is a stream.
   */
  messageOf(response: AnyResponse): MessageShape<DescMessage> {
    if (response.stream) {
      throw new ConnectError('an interceptor turned a unary response into a stream', Code.Internal);
    }
    if (response !== this.#ownResponse) {
      const { header, trailer } = this.#completeResponse(response);
      replaceHeaders(this.responseHeader, header);
      replaceHeaders(this.responseTrailer, trailer);
    }
    return response.message;
  }

  /** The handler's context for a request that an interceptor replaced. */
  #contextFor(request: UnaryRequest): HandlerContext {
    return {
      method: this.method,
      protocolName: this.protocolName,
      timeoutMs: () => this.timeoutMs(),
      responseHeader: this.responseHeader,
      responseTrailer: this.responseTrailer,
      service: request.service,
      requestMethod: this.requestMethod,
      url: this.url,
      signal: request.signal,
      requestHeader: request.header,
      values: request.contextValues,
    };
  }

  /** Ends the call: clears the deadline's timer and aborts the signal if one was made. */
  finish(reason?: unknown): void {
    clearTimeout(this.#deadlineTimer);
    this.#abort?.abort(reason);
  }

  /** Ends the exchange without an answer; what is answered later is not sent. */
  drop(): void {
    this.#exchange.destroy();
  }

  get hasOwnMetadata(): boolean {
    return this.#responseHeader !== undefined || this.#responseTrailer !== undefined;
  }

  get method(): UnarySpec['method'] {
    return this.route.spec.method;
  }

  get service(): DescService {
    return this.method.parent;
  }

  get protocolName(): string {
    return this.route.protocol.name;
  }

  get requestMethod(): string {
    return 'POST';
  }

  get responseHeader(): Headers {
    const { protocol, binary } = this.route;
    this.#responseHeader ??= new Headers(protocol.initialHeader(binary, this.compression));
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers(this.route.protocol.initialTrailer);
    return this.#responseTrailer;
  }

  get url(): string {
    return this.#exchange.url();
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= toWebHeaders(this.#exchange.headers);
    return this.#requestHeader;
  }

  /** One header of the request by its name in lower case, without making web `Headers` of all. */
  headerValue(name: string): string | undefined {
    if (this.#requestHeader !== undefined) {
      return this.#requestHeader.get(name) ?? undefined; // An interceptor may have changed it.
    }
    const value = this.#exchange.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Whether the request has any of these headers, by their names in lower case. */
  hasAnyHeader(names: readonly string[]): boolean {
    const changed = this.#requestHeader;
    if (changed !== undefined) {
      return names.some((name) => changed.has(name));
    }
    const { headers } = this.#exchange;
    for (const name of names) {
      if (headers[name] !== undefined) {
        return true;
      }
    }
    return false;
  }

  get ownValues(): ContextValues | undefined {
    return this.#values;
  }

  get values(): ContextValues {
    this.#values ??= createContextValues();
    return this.#values;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      const remainingMs = this.timeoutMs();
      if (remainingMs !== undefined) {
        const expire = () => abort.abort(new ConnectError('the operation timed out', Code.DeadlineExceeded));
        if (remainingMs <= 0) {
          expire();
        } else {
          this.#deadlineTimer = setTimeout(expire, remainingMs);
        }
      }
      this.#exchange.onAbandoned((reason) => abort.abort(reason));
    }
    return this.#abort.signal;
  }

  /** What is left of the caller's deadline, in milliseconds. */
  timeoutMs(): number | undefined {
    return this.#deadlineAt === undefined ? undefined : this.#deadlineAt - performance.now();
  }
}

function replaceHeaders(target: Headers, source: Headers): void {
  if (target === source) {
    return;
  }
  const names = Array.from(target.keys());
  for (const name of names) {
    target.delete(name);
  }
  for (const [name, value] of source) {
    target.set(name, value); // Connect uses `set` too: of several `set-cookie` the last is kept.
  }
}
