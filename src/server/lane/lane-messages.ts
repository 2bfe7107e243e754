import type { DescMessage, DescService, MessageShape } from '@bufbuild/protobuf';
import type { ContextValues, UnaryRequest, UnaryResponse } from '@connectrpc/connect';
import type { LaneCall } from './lane-call.ts';
import type { UnarySpec } from './lane-route.ts';

/**
 * What interceptors get. Its costly members are getters of the class, which `{ ...request }` leaves
 * behind; `LaneCall` puts them back.
 */
export class LaneRequest implements UnaryRequest {
  readonly stream = false;
  readonly requestMethod = 'POST';
  readonly message: MessageShape<DescMessage>;
  readonly method: UnarySpec['method'];
  readonly service: DescService;
  readonly #call: LaneCall;

  constructor(call: LaneCall, message: MessageShape<DescMessage>) {
    this.#call = call;
    this.message = message;
    this.method = call.method;
    this.service = call.service;
  }

  get url(): string {
    return this.#call.url;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get header(): Headers {
    return this.#call.requestHeader;
  }

  get contextValues(): ContextValues {
    return this.#call.values;
  }
}

/** What interceptors get back; as `LaneRequest`. */
export class LaneResponse implements UnaryResponse {
  readonly stream = false;
  readonly message: MessageShape<DescMessage>;
  readonly method: UnarySpec['method'];
  readonly service: DescService;
  readonly #call: LaneCall;

  constructor(call: LaneCall, message: MessageShape<DescMessage>) {
    this.#call = call;
    this.message = message;
    this.method = call.method;
    this.service = call.service;
  }

  get header(): Headers {
    return this.#call.responseHeader;
  }

  get trailer(): Headers {
    return this.#call.responseTrailer;
  }
}
