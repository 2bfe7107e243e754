import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { ConnectError, ContextValues, HandlerContext, MethodImplSpec } from '@connectrpc/connect';
import type { Compression } from '@connectrpc/connect/protocol';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { SettledHandler } from '../connect/settled-answers.ts';

/** The implementation of a unary method. */
export type UnarySpec = Extract<MethodImplSpec, { kind: 'unary' }>;

/** What handlers get beside the message of a unary call. */
export interface UnaryContext extends HandlerContext {
  readonly method: UnarySpec['method'];
  /** `values` as far as anybody has asked for them. */
  readonly ownValues: ContextValues | undefined;
}

/** What a protocol reads of a call to encode its reply. */
export interface AnsweredCall {
  readonly route: LaneRoute;
  /** How the reply may be compressed; null when the caller does not accept any compression. */
  readonly compression: Compression | null;
  /** From this size on, in bytes, a reply is compressed if it may be. */
  readonly compressMinBytes: number;
  /** Whether anybody has looked at, and so perhaps changed, `responseHeader` or `responseTrailer`. */
  readonly hasOwnMetadata: boolean;
  /** Made when first looked at, as the next one. */
  readonly responseHeader: Headers;
  readonly responseTrailer: Headers;
}

/** A response that is ready for either transport. */
export interface LaneReply {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array | undefined;
  /** HTTP trailers, for gRPC alone. */
  readonly trailers: OutgoingHttpHeaders | undefined;
}

/** How unary calls look in one of the three protocols. */
export interface LaneProtocol {
  readonly name: 'grpc' | 'grpc-web' | 'connect';
  /** The header with the compression of the request, in lower case as the next two. */
  readonly encodingHeader: string;
  readonly acceptEncodingHeader: string;
  readonly timeoutHeader: string;
  /** Reads the deadline in milliseconds; `error` when the header makes no sense. */
  parseTimeout(value: string, maxTimeoutMs: number): { timeoutMs?: number; error?: ConnectError | undefined };
  /** What Connect puts into header and trailer before the handler runs. */
  initialHeader(binary: boolean, compression: Compression | null): Readonly<Record<string, string>>;
  readonly initialTrailer: Readonly<Record<string, string>>;
  /**
   * The message in a whole request body; undefined when the body is anything but one plain message
   * of up to `readMaxBytes` bytes, which Connect's own handler then answers.
   *
   * @throws ConnectError for what Connect's handler would take for a plain message, but is none.
   */
  unwrap(body: Buffer, readMaxBytes: number): Uint8Array | undefined;
  /** The reply with an output message. */
  success(call: AnsweredCall, message: Uint8Array): LaneReply | Promise<LaneReply>;
  /** The reply with an error. */
  failure(call: AnsweredCall, error: ConnectError): LaneReply | Promise<LaneReply>;
}

/** A method in one protocol and codec: all that is known of a call before it is made. */
export interface LaneRoute {
  readonly spec: UnarySpec;
  readonly protocol: LaneProtocol;
  /** Protobuf's binary format, or JSON. */
  readonly binary: boolean;
  readonly input: { parse(bytes: Uint8Array): MessageShape<DescMessage> };
  readonly output: { serialize(message: MessageShape<DescMessage>): Uint8Array };
  /** Connect's own handler, for what turns out not to be for the lane. */
  readonly connectHandler: SettledHandler;
}

/** One request and its reply, on either transport. */
export interface LaneExchange {
  readonly headers: IncomingHttpHeaders;
  /** The full address that was called. */
  url(): string;
  /** Has `cancel` called when the caller goes away. Registered only for calls whose signal is read. */
  onAbandoned(cancel: (reason: ConnectError) => void): void;
  /** Sends the reply; does nothing when the caller has gone. */
  write(reply: LaneReply): void;
  /** Ends the exchange without a reply, when none can be written. */
  destroy(): void;
}
