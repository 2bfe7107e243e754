import { Code, ConnectError } from '@connectrpc/connect';
import {
  createAsyncIterable,
  encodeEnvelope,
  envelopeCompress,
  envelopeDecompress,
  readAllBytes,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import { trailerFlag, trailerParse, trailerSerialize } from '@connectrpc/connect/protocol-grpc-web';
import { compressionGzip } from '@connectrpc/connect-node';
import { mergeTrailersOnly, reescapeGrpcMessage, setGrpcStatus } from '../transport/grpc-status.ts';
import { envelopeHeadBytes } from '../transport/envelope.ts';
import { type RecordRefusal, type RefusedCall, requestIdHeader } from '../transport/refusals.ts';
import { changeChunks } from './chunks.ts';

/** From this size on Connect compresses, in bytes; its own default. */
const compressMinBytes = 1_024;
/** More than Connect writes of any error, in bytes. */
const maxErrorBytes = 16_777_216;

/** Records an error that nobody has recorded yet, and returns it as it is to be sent. */
type Settle = (error: ConnectError) => ConnectError;

/** A handler of Connect's whose errors are recorded and answered as the lane's are. */
export interface SettledHandler extends UniversalHandler {
  /**
   * Records that an answer could not be made or sent.
   *
   * @param cause what was thrown, for the log.
   * @returns the error to answer with instead.
   */
  recordDefect(cause: unknown, readHeader: RefusedCall['readHeader']): ConnectError;
}

/**
 * The handler, with errors as the lane answers them. Connect refuses what it cannot read before any
 * interceptor runs, so its answers are read here: an error that bears no request id is recorded, and gets
 * one. The message of a gRPC status is escaped as `setGrpcStatus` does it, and a gRPC error without a
 * message is Trailers-Only.
 */
export function withSettledAnswers(handler: UniversalHandler, record: RecordRefusal): SettledHandler {
  const { service, method, requestPath: path, supportedContentType, protocolNames, allowedMethods } = handler;
  const known = { service, method, requestPath: path, supportedContentType, protocolNames, allowedMethods };
  const answer = async (request: UniversalServerRequest): Promise<UniversalServerResponse> => {
    const startedAtMs = performance.now();
    const readHeader = (name: string) => request.header.get(name) ?? undefined;
    const settle = (error: ConnectError) => record({ method, path, startedAtMs, readHeader }, error);
    return await settleAnswer(await handler(request), settle);
  };
  return Object.assign(answer, known, {
    recordDefect: (cause: unknown, readHeader: RefusedCall['readHeader']) =>
      record(
        { method, path, startedAtMs: performance.now(), readHeader },
        new ConnectError('internal error', Code.Internal, undefined, undefined, cause),
      ),
  });
}

async function settleAnswer(
  response: UniversalServerResponse,
  settle: Settle,
): Promise<UniversalServerResponse> {
  const { status, body, header = new Headers(), trailer } = response;
  if (body === undefined) {
    return response;
  }
  if (trailer === undefined && !isGrpcWeb(header)) {
    return status === 200 || header.has(requestIdHeader)
      ? response
      : await settleConnectError(header, body, settle);
  }
  const chunks = body[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (trailer === undefined) {
    const isError = first.done !== true && isTrailer(first.value);
    const change = async (chunk: Uint8Array) =>
      isTrailer(chunk) ? await changeGrpcWebTrailer(chunk, isError ? settle : undefined) : chunk;
    return { ...response, body: changeChunks(first, chunks, change) };
  }
  if (first.done !== true) {
    // What fails after a message has passed the interceptors.
    const atEnd = () => reescapeGrpcMessage(trailer);
    return { ...response, body: changeChunks(first, chunks, (chunk) => chunk, atEnd) };
  }
  settleTrailer(trailer, settle);
  const merged = mergeTrailersOnly(header, trailer);
  return merged === undefined ? { status, header, trailer } : { status, header: merged };
}

async function settleConnectError(
  header: Headers,
  body: AsyncIterable<Uint8Array>,
  settle: Settle,
): Promise<UniversalServerResponse> {
  const sent = await readAllBytes(body, maxErrorBytes);
  const isCompressed = header.has('content-encoding');
  const bytes = isCompressed ? await compressionGzip.decompress(sent, maxErrorBytes) : sent;
  const unreadable = new ConnectError('internal error', Code.Internal);
  const error = settle(errorFromJsonBytes(bytes, undefined, unreadable));
  let answer: Uint8Array = errorToJsonBytes(error, undefined);
  header.delete('content-encoding');
  if (isCompressed && answer.length >= compressMinBytes) {
    answer = await compressionGzip.compress(answer);
    header.set('content-encoding', compressionGzip.name);
  }
  header.set('content-length', String(answer.length));
  copyRequestId(error, header);
  return { status: codeToHttpStatus(error.code), header, body: createAsyncIterable([answer]) };
}

async function changeGrpcWebTrailer(chunk: Uint8Array, settle: Settle | undefined): Promise<Uint8Array> {
  const envelope = { flags: chunk[0] ?? 0, data: chunk.subarray(envelopeHeadBytes) };
  const plain = await envelopeDecompress(envelope, compressionGzip, maxErrorBytes);
  const trailer = trailerParse(plain.data);
  if (settle === undefined) {
    reescapeGrpcMessage(trailer);
  } else {
    settleTrailer(trailer, settle);
  }
  const changed = { flags: plain.flags, data: trailerSerialize(trailer) };
  const compression = plain.flags === envelope.flags ? null : compressionGzip;
  const { flags, data } = await envelopeCompress(changed, compression, compressMinBytes);
  return encodeEnvelope(flags, data);
}

/** Settles the status in the trailer of a call that had no message for an answer. */
function settleTrailer(trailer: Headers, settle: Settle): void {
  const error = findTrailerError(trailer);
  if (error === undefined || trailer.has(requestIdHeader)) {
    reescapeGrpcMessage(trailer);
    return;
  }
  const unrecorded = new ConnectError(error.rawMessage, error.code);
  unrecorded.details = error.details;
  setGrpcStatus(trailer, settle(unrecorded));
}

function copyRequestId({ metadata }: ConnectError, header: Headers): void {
  const requestId = metadata.get(requestIdHeader);
  if (requestId !== null) {
    header.set(requestIdHeader, requestId);
  }
}

function isGrpcWeb(header: Headers): boolean {
  return header.get('content-type')?.startsWith('application/grpc-web') === true;
}

function isTrailer(envelope: Uint8Array): boolean {
  return ((envelope[0] ?? 0) & trailerFlag) !== 0;
}
