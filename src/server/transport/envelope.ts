import { Code, ConnectError } from '@connectrpc/connect';
import { compressedFlag } from '@connectrpc/connect/protocol';

/** Bytes in front of a message in gRPC and gRPC-Web: one of flags, four of length. */
export const envelopeHeadBytes = 5;

/**
 * The message in a body that is exactly one uncompressed envelope, undefined when it is anything else.
 *
 * @param readMaxBytes largest message, in bytes; undefined is returned for a larger one as well.
 * @throws ConnectError INVALID_ARGUMENT for flags that neither protocol has.
 */
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
