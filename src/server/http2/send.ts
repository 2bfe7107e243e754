import { errorCodes, flags, frameHeadBytes, frameTypes } from './constants.ts';
import { maxQueuedInAllBytes, shortDataBytes } from './flood-limits.ts';
import { maxEncodedBytes } from './hpack/encoder.ts';
import type { SessionState } from './session-state.ts';
import type { Http2Stream } from './stream.ts';

/** Sends a block of headers, in as many frames as it takes. */
export function sendHeaders(
  { output, encoder, peerMaxFrameBytes, limits, isOver }: SessionState,
  streamId: number,
  fields: readonly string[],
  endStream: boolean,
): void {
  if (isOver) {
    return;
  }
  if (endStream) {
    limits.answered();
  }
  const most = maxEncodedBytes(fields);
  if (most > peerMaxFrameBytes) {
    sendLongHeaders(output, encoder.encode.bind(encoder), peerMaxFrameBytes, streamId, fields, endStream);
    return;
  }
  // The length is known when the block is there.
  const head = output.reserve(frameHeadBytes + most);
  const start = head + frameHeadBytes;
  const end = encoder.encode(fields, output.target, start);
  output.frame(
    frameTypes.headers,
    flags.endHeaders | (endStream ? flags.endStream : 0),
    streamId,
    end - start,
  );
  output.end = end;
}

function sendLongHeaders(
  output: SessionState['output'],
  encode: (fields: readonly string[], target: Buffer, offset: number) => number,
  maxFrameBytes: number,
  streamId: number,
  fields: readonly string[],
  endStream: boolean,
): void {
  const block = Buffer.allocUnsafe(maxEncodedBytes(fields));
  const end = encode(fields, block, 0);
  for (let at = 0; at < end || at === 0; at += maxFrameBytes) {
    const pieceEnd = Math.min(end, at + maxFrameBytes);
    const isLast = pieceEnd === end;
    const type = at === 0 ? frameTypes.headers : frameTypes.continuation;
    const flag = (isLast ? flags.endHeaders : 0) | (at === 0 && endStream ? flags.endStream : 0);
    output.frame(type, flag, streamId, pieceEnd - at);
    output.bytes(block, at, pieceEnd);
  }
}

/**
 * Sends what a stream has queued, as far as the windows go, and its end when that is due.
 *
 * @throws ConnectionError when the peer lets it send nothing but small pieces.
 */
export function pumpStream(session: SessionState, stream: Http2Stream): void {
  const { queue } = stream;
  for (let piece = queue[0]; piece !== undefined; piece = queue[0]) {
    const left = piece.bytes.length - piece.sent;
    const room = Math.min(left, session.sendWindow, stream.sendWindow, session.peerMaxFrameBytes);
    if ((room <= 0 && left > 0) || session.output.isFull) {
      noteBlocked(session, stream);
      return;
    }
    if (room < left && room < shortDataBytes) {
      session.limits.shortAnswers.count(session.nowMs);
    }
    const isEnd = room === left && queue.length === 1 && stream.isEnding && stream.trailers === undefined;
    sendData(session, stream, piece.bytes, piece.sent, room, isEnd);
    piece.sent += room;
    if (room === left) {
      queue.shift();
      piece.onTaken?.();
      if (isEnd || stream.closed) {
        finish(session, stream, isEnd);
        return;
      }
    }
  }
  endIfDue(session, stream);
}

function noteBlocked(session: SessionState, stream: Http2Stream): void {
  // One that waits for its own window is found when that changes: every change of the connection's would look at it.
  // Others queue up again, so that each has its turn.
  session.blocked.delete(stream);
  if (stream.sendWindow > 0) {
    session.blocked.add(stream);
  }
  stream.blockedSinceMs ||= performance.now();
  if (session.options.queued.bytes > maxQueuedInAllBytes) {
    stream.close(errorCodes.enhanceYourCalm);
  }
}

function sendData(
  session: SessionState,
  stream: Http2Stream,
  bytes: Uint8Array,
  start: number,
  length: number,
  endStream: boolean,
): void {
  if (session.isOver) {
    return;
  }
  const { output, limits } = session;
  limits.answered();
  output.frame(frameTypes.data, endStream ? flags.endStream : 0, stream.id, length);
  output.bytes(bytes, start, start + length);
  session.sendWindow -= length;
  session.queuedBytes -= length;
  stream.sendWindow -= length;
  stream.queuedBytes -= length;
  stream.blockedSinceMs = 0;
}

function endIfDue(session: SessionState, stream: Http2Stream): void {
  session.blocked.delete(stream);
  stream.blockedSinceMs = 0;
  if (!stream.isEnding || stream.localEnded || stream.closed) {
    return;
  }
  if (stream.trailers === undefined) {
    sendData(session, stream, nothing, 0, 0, true);
  } else {
    sendHeaders(session, stream.id, stream.trailers, true);
  }
  stream.ended();
}

function finish(session: SessionState, stream: Http2Stream, isEnd: boolean): void {
  session.blocked.delete(stream);
  if (isEnd && !stream.closed) {
    stream.ended();
  }
}

const nothing = new Uint8Array(0);

/** Goes on with the streams that waited for the connection's window, or for the peer to read. */
export function pumpBlocked(session: SessionState): void {
  for (const stream of session.blocked) {
    if (session.sendWindow <= 0 || session.output.isFull) {
      return;
    }
    pumpStream(session, stream);
  }
}

export function sendReset({ output, isOver }: SessionState, streamId: number, code: number): void {
  if (!isOver) {
    output.frame(frameTypes.rstStream, 0, streamId, 4);
    output.uint32(code);
  }
}

export function sendWindowUpdate({ output, isOver }: SessionState, streamId: number, bytes: number): void {
  if (!isOver) {
    output.frame(frameTypes.windowUpdate, 0, streamId, 4);
    output.uint32(bytes);
  }
}

export function sendGoaway(session: SessionState, code: number): void {
  const { output, isOver } = session;
  if (!isOver) {
    session.goawayStreamId = Math.min(session.goawayStreamId, session.lastStreamId);
    output.frame(frameTypes.goaway, 0, 0, 8);
    output.uint32(session.goawayStreamId);
    output.uint32(code);
  }
}

export function acknowledgeSettings({ output }: SessionState): void {
  output.frame(frameTypes.settings, flags.ack, 0, 0);
}

export function acknowledgePing({ output }: SessionState, bytes: Buffer, start: number, end: number): void {
  output.frame(frameTypes.ping, flags.ack, 0, end - start);
  output.bytes(bytes, start, end);
}
