import { errorCodes, flags, maxStreamId } from './constants.ts';
import { ConnectionError, StreamError } from './errors.ts';
import { maxBlockFactor, maxHeaderFields, maxHeaderFrames } from './flood-limits.ts';
import type { DecodedHeaders } from './hpack/decoder.ts';
import { HpackError } from './hpack/integer.ts';
import { assertNotIdle, endRemote, protocolError } from './receive-checks.ts';
import { areTrailersWellFormed, readRequestHead } from './request-head.ts';
import { sendReset } from './send.ts';
import type { HeaderBlock, SessionState } from './session-state.ts';
import { Http2Stream } from './stream.ts';

/** Works off a HEADERS frame. @throws ConnectionError, StreamError */
export function receiveHeaders(
  session: SessionState,
  flag: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  if (streamId === 0 || streamId % 2 === 0) {
    throw protocolError('HEADERS of no stream of a client');
  }
  const isPadded = (flag & flags.padded) !== 0;
  const hasPriority = (flag & flags.priority) !== 0;
  const padding = isPadded ? (bytes[start] ?? 0) : 0;
  const priorityAt = isPadded ? start + 1 : start;
  const from = hasPriority ? priorityAt + 5 : priorityAt;
  const to = end - padding;
  if (to < from) {
    throw protocolError('more padding than HEADERS');
  }
  const block: HeaderBlock = {
    streamId,
    endStream: (flag & flags.endStream) !== 0,
    dependsOnItself: hasPriority && (bytes.readUInt32BE(priorityAt) & maxStreamId) === streamId,
    pieces: [],
    bytes: to - from,
  };
  if ((flag & flags.endHeaders) === 0) {
    block.pieces.push(bytes.subarray(from, to));
    session.block = block;
  } else {
    receiveBlock(session, block, bytes.subarray(from, to));
  }
}

/** Works off a CONTINUATION frame. @throws ConnectionError, StreamError */
export function receiveContinuation(
  session: SessionState,
  flag: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  const { block } = session;
  if (block?.streamId !== streamId) {
    throw protocolError('CONTINUATION of no headers');
  }
  block.pieces.push(bytes.subarray(start, end));
  block.bytes += end - start;
  const maxBytes = maxBlockFactor * session.options.maxHeaderListBytes;
  if (block.pieces.length > maxHeaderFrames || block.bytes > maxBytes) {
    throw new ConnectionError(errorCodes.enhanceYourCalm, 'headers in too many frames, or too long');
  }
  if ((flag & flags.endHeaders) !== 0) {
    session.block = undefined;
    receiveBlock(session, block, Buffer.concat(block.pieces));
  }
}

function receiveBlock(session: SessionState, block: HeaderBlock, bytes: Buffer): void {
  const { streamId } = block;
  // In any case: the table of both sides must stay the same.
  const decoded = decode(session, bytes);
  if (block.dependsOnItself) {
    session.lastStreamId = Math.max(session.lastStreamId, streamId);
    throw new StreamError(streamId, errorCodes.protocolError, 'a stream that depends on itself');
  }
  const stream = session.streams.get(streamId);
  if (stream !== undefined) {
    receiveTrailers(stream, block, decoded);
  } else if (streamId > session.lastStreamId) {
    noteSkipped(session, streamId);
    session.lastStreamId = streamId;
    openStream(session, block, decoded);
  } else if (!session.wasResetHere(streamId)) {
    assertNotIdle(session, streamId);
    if (session.skipped.some(([first, last]) => first <= streamId && streamId <= last)) {
      throw protocolError('a stream with a smaller number than those before');
    }
    throw new ConnectionError(errorCodes.streamClosed, 'HEADERS of a stream that is closed');
  }
}

/** Whoever skips ids does so once or twice. */
const maxSkipped = 8;

function noteSkipped({ skipped, lastStreamId }: SessionState, streamId: number): void {
  if (streamId > lastStreamId + 2) {
    skipped.push([lastStreamId + 1, streamId - 2]);
    if (skipped.length > maxSkipped) {
      skipped.shift();
    }
  }
}

function decode({ decoder, options }: SessionState, bytes: Buffer): DecodedHeaders {
  try {
    return decoder.decode(bytes, options.maxHeaderListBytes, maxHeaderFields);
  } catch (error) {
    if (error instanceof HpackError) {
      throw new ConnectionError(errorCodes.compressionError, error.message);
    }
    throw error;
  }
}

function receiveTrailers(
  stream: Http2Stream,
  { streamId, endStream }: HeaderBlock,
  { fields, tooLarge }: DecodedHeaders,
): void {
  if (stream.remoteEnded) {
    throw new StreamError(streamId, errorCodes.streamClosed, 'HEADERS behind the end of a stream');
  }
  if (!endStream || !areTrailersWellFormed(fields)) {
    throw new StreamError(streamId, errorCodes.protocolError, 'malformed trailers');
  }
  if (tooLarge) {
    throw new StreamError(streamId, errorCodes.enhanceYourCalm, 'trailers that are too long');
  }
  if (stream.expectedBytes !== undefined && stream.expectedBytes !== stream.receivedBytes) {
    throw new StreamError(streamId, errorCodes.protocolError, 'DATA of another length than content-length');
  }
  stream.remoteEnded = true;
  endRemote(stream);
}

function openStream(
  session: SessionState,
  { streamId, endStream }: HeaderBlock,
  { fields, tooLarge }: DecodedHeaders,
): void {
  const { options, streams } = session;
  if (session.isClosing || streams.size >= options.maxConcurrentStreams || session.isOverfull) {
    refuse(session, streamId);
    return;
  }
  if (tooLarge) {
    throw new StreamError(streamId, errorCodes.enhanceYourCalm, 'headers that are too long');
  }
  const headers = readRequestHead(fields);
  if (headers === undefined) {
    throw new StreamError(streamId, errorCodes.protocolError, 'a malformed request');
  }
  const stream = new Http2Stream(
    streamId,
    headers,
    session,
    session.peerInitialWindow,
    endStream,
    session.nowMs,
  );
  const { expectedBytes } = stream;
  if (endStream && expectedBytes !== undefined && expectedBytes !== 0) {
    throw new StreamError(streamId, errorCodes.protocolError, 'a content-length that does not fit');
  }
  streams.set(streamId, stream);
  options.onStream(stream);
}

/** The caller may try again on another connection, or later: nothing was done (8.7). */
function refuse(session: SessionState, streamId: number): void {
  session.limits.refusedStreams.count(session.nowMs);
  session.noteReset(streamId);
  sendReset(session, streamId, errorCodes.refusedStream);
}
