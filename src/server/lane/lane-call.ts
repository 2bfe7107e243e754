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
import { toWebHeaders } from './header-conversion.ts';
import type { LaneExchange } from './lane-exchange.ts';
import { LaneRequest, LaneResponse } from './lane-messages.ts';
import type { LaneRoute, UnarySpec } from './lane-route.ts';

type AnyRequest = UnaryRequest | StreamRequest;
/** What a chain of interceptors comes to; only a unary response is right here. */
export type AnyResponse = UnaryResponse | StreamResponse;

/**
 * One call in the lane. It is to handlers and interceptors what Connect's `createHandlerContext` and
 * `invokeUnaryImplementation` make, but made when it is looked at: three web `Headers` and three
 * `AbortController`s cost more than all the rest of a call, and few handlers look at them.
 */
export class LaneCall implements HandlerContext {
  readonly route: LaneRoute;
  /** How the answer may be compressed; null when the caller does not accept any compression. */
  readonly compression: Compression | null;
  /** From this size on, in bytes, an answer is compressed if it may be. */
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

  /** Not async, as little else on the way of a call: every such function makes 250 bytes of garbage. */
  #callImplementation(request: AnyRequest, ownRequest: LaneRequest): Promise<AnyResponse> {
    const { method, impl } = this.route.spec;
    try {
      if (request.stream) {
        throw new ConnectError('an interceptor turned a unary call into a stream', Code.Internal);
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

  /** Between two interceptors: neither sees what the other's `{ ...request }` has left behind. */
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

  /** The output message in what `invoke` came to, once the metadata beside it is taken over. */
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

  /** The context for a request that an interceptor put in the place of ours. */
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

  /** Ends the call: the deadline's timer goes, and whoever holds the signal is told. */
  finish(reason?: unknown): void {
    clearTimeout(this.#deadlineTimer);
    this.#abort?.abort(reason);
  }

  /** Whether anybody has looked at, and so perhaps changed, what goes out beside the message. */
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
      return this.#requestHeader.get(name) ?? undefined; // an interceptor may have changed it
    }
    const value = this.#exchange.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
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
    target.set(name, value); // as Connect does, which so keeps one `set-cookie` of several
  }
}
