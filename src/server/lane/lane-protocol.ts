import { Code, ConnectError } from '@connectrpc/connect';
import { type Compression, compressedFlag } from '@connectrpc/connect/protocol';
import type { OutgoingHttpHeaders } from 'node:http';
import type { LaneCall } from './lane-call.ts';

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
  success(call: LaneCall, message: Uint8Array): LaneReply | Promise<LaneReply>;
  /** The reply with an error. */
  failure(call: LaneCall, error: ConnectError): LaneReply | Promise<LaneReply>;
}

/** Bytes in front of a message in gRPC and gRPC-Web: one of flags, four of length. */
const envelopeHeadBytes = 5;

/** The message in a body that is exactly one uncompressed envelope. */
export function unwrapEnvelope(body: Buffer, readMaxBytes: number): Uint8Array | undefined {
  const flags = body[0];
  if (body.length < envelopeHeadBytes || flags === compressedFlag) {
    return undefined;
  }
  if (flags !== 0) {
    throw new ConnectError(`protocol error: unknown envelope flags ${flags}`, Code.InvalidArgument);
  }
  const messageBytes = body.readUInt32BE(1);
  return messageBytes > readMaxBytes || messageBytes !== body.length - envelopeHeadBytes
    ? undefined
    : body.subarray(envelopeHeadBytes);
}

/** An uncompressed envelope with the message; the same as Connect's `encodeEnvelope`, but one copy. */
export function wrapEnvelope(flags: number, message: Uint8Array): Buffer {
  const envelope = Buffer.allocUnsafe(envelopeHeadBytes + message.byteLength);
  envelope[0] = flags;
  envelope.writeUInt32BE(message.byteLength, 1);
  envelope.set(message, envelopeHeadBytes);
  return envelope;
}
