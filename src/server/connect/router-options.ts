import type { Registry } from '@bufbuild/protobuf';
import type { ConnectRouterOptions, Interceptor } from '@connectrpc/connect';
import { compressionGzip } from '@connectrpc/connect-node';
import { maxCallTimeoutMs } from '../transport/call-timeout.ts';

/**
 * As `TextEncoder`, but into Node's pool of buffers: most answers are so short that an `ArrayBuffer`
 * of their own would cost more than encoding them.
 */
const pooledTextEncoder = { encode: (text: string): Uint8Array<ArrayBuffer> => Buffer.from(text) };

/** The platform documents its fields by their proto names. */
const jsonOptions = {
  useProtoFieldName: true,
  // If unknown fields were ignored, a request with a misspelt `scenario` would be approved although
  // its caller asked for a failure.
  ignoreUnknownFields: false,
  textEncoder: pooledTextEncoder,
};

/**
 * How Connect's router and the lane serve calls.
 *
 * @param readMaxBytes largest request message, in bytes, before and after decompression.
 * @param registry the messages that an Any may have in JSON; none unless given.
 */
export function createRouterOptions(
  interceptors: readonly Interceptor[],
  readMaxBytes: number,
  registry?: Registry,
): ConnectRouterOptions {
  return {
    interceptors: [...interceptors],
    acceptCompression: [compressionGzip],
    readMaxBytes,
    maxTimeoutMs: maxCallTimeoutMs,
    jsonOptions: registry === undefined ? jsonOptions : { ...jsonOptions, registry },
  };
}
