import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextValues,
  type HandlerContext,
  type Interceptor,
  type MethodImplSpec,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from '@connectrpc/connect';
import type { IncomingHttpHeaders } from 'node:http';
import { toWebHeaders } from './header-conversion.ts';

/** The implementation of a unary method. */
export type UnarySpec = Extract<MethodImplSpec, { kind: 'unary' }>;

/** What is known of a call before its body. */
export interface LaneCallInit {
  readonly spec: UnarySpec;
  readonly protocolName: string;
  readonly url: () => string;
  readonly headers: IncomingHttpHeaders;
  /** The caller's deadline, in milliseconds from now. */
  readonly timeoutMs: number | undefined;
  /** What Connect puts into the response's headers and trailers before the handler runs. */
  readonly initialHeader: Readonly<Record<string, string>>;
  readonly initialTrailer: Readonly<Record<string, string>>;
  /** Has `cancel` called when the caller goes away. Asked for only if somebody wants to know. */
  readonly onAbandoned: (cancel: (reason: ConnectError) => void) => void;
}

type AnyRequest = UnaryRequest | StreamRequest;
type AnyResponse = UnaryResponse | StreamResponse;

/**
 * One call in the lane. It is to handlers and interceptors what Connect's `createHandlerContext` and
 * `invokeUnaryImplementation` make, but made when it is looked at: three web `Headers` and three
 * `AbortController`s cost more than all the rest of a call, and few handlers look at them.
 */
export class LaneCall {
  readonly #init: LaneCallInit;
  readonly #deadlineAt: number | undefined;
  #abort: AbortController | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #values: ContextValues | undefined;

  constructor(init: LaneCallInit) {
    this.#init = init;
    this.#deadlineAt = init.timeoutMs === undefined ? undefined : performance.now() + init.timeoutMs;
  }

  /** Runs the interceptors, outermost first, and the implementation; returns the full output message. */
  async invoke(
    input: MessageShape<DescMessage>,
    interceptors: readonly Interceptor[],
  ): Promise<MessageShape<DescMessage>> {
    const { method, impl } = this.#init.spec;
    let ownResponse: UnaryResponse | undefined;
    let next = async (request: AnyRequest): Promise<AnyResponse> => {
      if (request.stream) {
        throw new ConnectError('an interceptor turned a unary call into a stream', Code.Internal);
      }
      const output = create(method.output, await impl(request.message, contextOf(this, this.#init, request)));
      ownResponse = responseOf(this, this.#init, output);
      return ownResponse;
    };
    for (let i = interceptors.length - 1; i >= 0; i -= 1) {
      next = interceptors[i]?.(next) ?? next;
    }
    const response = await next(requestOf(this, this.#init, input));
    if (response.stream) {
      throw new ConnectError('an interceptor turned a unary response into a stream', Code.Internal);
    }
    if (response !== ownResponse) {
      replaceHeaders(this.responseHeader, response.header);
      replaceHeaders(this.responseTrailer, response.trailer);
    }
    return response.message;
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

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers(this.#init.initialHeader);
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers(this.#init.initialTrailer);
    return this.#responseTrailer;
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= toWebHeaders(this.#init.headers);
    return this.#requestHeader;
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
        this.#deadlineTimer = setTimeout(
          () => abort.abort(new ConnectError('the operation timed out', Code.DeadlineExceeded)),
          Math.max(0, remainingMs),
        );
      }
      this.#init.onAbandoned((reason) => abort.abort(reason));
    }
    return this.#abort.signal;
  }

  timeoutMs(): number | undefined {
    return this.#deadlineAt === undefined ? undefined : this.#deadlineAt - performance.now();
  }
}

// The three objects below have their getters written out as own properties, so that a spread
// (`{ ...request, header }`, which interceptors do) carries everything over.

function requestOf(call: LaneCall, init: LaneCallInit, message: MessageShape<DescMessage>): UnaryRequest {
  const { method } = init.spec;
  return {
    stream: false,
    message,
    method,
    service: method.parent,
    requestMethod: 'POST',
    get url() {
      return init.url();
    },
    get signal() {
      return call.signal;
    },
    get header() {
      return call.requestHeader;
    },
    get contextValues() {
      return call.values;
    },
  };
}

function contextOf(call: LaneCall, init: LaneCallInit, request: UnaryRequest): HandlerContext {
  return {
    method: init.spec.method,
    service: request.service,
    protocolName: init.protocolName,
    requestMethod: 'POST',
    timeoutMs: () => call.timeoutMs(),
    get url() {
      return request.url;
    },
    get signal() {
      return request.signal;
    },
    get requestHeader() {
      return request.header;
    },
    get responseHeader() {
      return call.responseHeader;
    },
    get responseTrailer() {
      return call.responseTrailer;
    },
    get values() {
      return request.contextValues;
    },
  };
}

function responseOf(call: LaneCall, init: LaneCallInit, message: MessageShape<DescMessage>): UnaryResponse {
  const { method } = init.spec;
  return {
    stream: false,
    message,
    method,
    service: method.parent,
    get header() {
      return call.responseHeader;
    },
    get trailer() {
      return call.responseTrailer;
    },
  };
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
    target.append(name, value);
  }
}
