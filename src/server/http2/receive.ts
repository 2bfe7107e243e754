import { errorCodes, flags, frameTypes, maxWindowBytes } from './constants.ts';
import { ConnectionError, StreamError } from './errors.ts';
import { maxUnreadInAllBytes } from './flood-limits.ts';
import { assertNotIdle, endRemote, frameSizeError, protocolError } from './receive-checks.ts';
import { receiveContinuation, receiveHeaders } from './receive-headers.ts';
import { receiveSettings } from './receive-settings.ts';
import { acknowledgePing, pumpBlocked, pumpStream } from './send.ts';
import type { SessionState } from './session-state.ts';
import type { Http2Stream } from './stream.ts';

/**
 * Works off a frame (RFC 9113, 6).
 *
 * @throws ConnectionError for what breaks the protocol or goes beyond a limit. What is wrong with one stream resets it.
 */
export function receiveFrame(
  session: SessionState,
  type: number,
  flag: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  if (session.isOver) {
    return;
  }
  if (!session.hasSettings && (type !== frameTypes.settings || (flag & flags.ack) !== 0)) {
    throw protocolError('the first frame must be SETTINGS');
  }
  if (session.block !== undefined && type !== frameTypes.continuation) {
    throw protocolError('only CONTINUATION may follow on headers without END_HEADERS');
  }
  try {
    dispatch(session, type, flag, streamId, bytes, start, end);
  } catch (error) {
    if (!(error instanceof StreamError)) {
      throw error;
    }
    session.failStream(error);
  }
}

function dispatch(
  session: SessionState,
  type: number,
  flag: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  switch (type) {
    case frameTypes.data:
      receiveData(session, flag, streamId, bytes, start, end);
      break;
    case frameTypes.headers:
      receiveHeaders(session, flag, streamId, bytes, start, end);
      break;
    case frameTypes.continuation:
      receiveContinuation(session, flag, streamId, bytes, start, end);
      break;
    case frameTypes.windowUpdate:
      receiveWindowUpdate(session, streamId, bytes, start, end);
      break;
    case frameTypes.rstStream:
      receiveReset(session, streamId, bytes, start, end);
      break;
    case frameTypes.settings:
      receiveSettings(session, flag, streamId, bytes, start, end);
      break;
    case frameTypes.ping:
      receivePing(session, flag, streamId, bytes, start, end);
      break;
    default:
      receiveOther(session, type, streamId, bytes, start, end);
  }
}

function receiveData(
  session: SessionState,
  flag: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  if (streamId === 0) {
    throw protocolError('DATA of no stream');
  }
  const frameBytes = end - start;
  const isPadded = (flag & flags.padded) !== 0;
  const padding = isPadded ? (bytes[start] ?? 0) : 0;
  const from = isPadded ? start + 1 : start;
  const to = end - padding;
  if (to < from) {
    throw protocolError('more padding than DATA');
  }
  if (frameBytes > session.receiveWindow) {
    throw new ConnectionError(errorCodes.flowControlError, 'more DATA than the window of the connection');
  }
  session.receiveWindow -= frameBytes;
  session.consumedByConnection(frameBytes);
  const endStream = (flag & flags.endStream) !== 0;
  if (from === to && !endStream) {
    session.limits.emptyData.count(session.nowMs);
  }
  const stream = openStream(session, streamId);
  if (stream !== undefined) {
    passData(session, stream, bytes.subarray(from, to), frameBytes, endStream);
  }
}

/**
 * The stream that DATA is of; undefined when it is of one that was reset here. DATA of any other that is closed is an
 * error of the stream alone (6.1): grpc-java 1.83 sends some behind its own RST_STREAM when it is refused a call that it
 * is just sending.
 */
function openStream(session: SessionState, streamId: number): Http2Stream | undefined {
  const stream = session.streams.get(streamId);
  if (stream === undefined) {
    assertNotIdle(session, streamId);
    if (session.wasResetHere(streamId)) {
      return undefined;
    }
    throw new StreamError(streamId, errorCodes.streamClosed, 'DATA of a stream that is closed');
  }
  if (stream.remoteEnded) {
    throw new StreamError(streamId, errorCodes.streamClosed, 'DATA behind the end of a stream');
  }
  return stream;
}

function passData(
  session: SessionState,
  stream: Http2Stream,
  data: Buffer,
  frameBytes: number,
  endStream: boolean,
): void {
  if (frameBytes > stream.receiveWindow) {
    throw new StreamError(stream.id, errorCodes.flowControlError, 'more DATA than the window of the stream');
  }
  stream.receiveWindow -= frameBytes;
  stream.receivedBytes += data.length;
  const { expectedBytes } = stream;
  if (
    expectedBytes !== undefined &&
    (stream.receivedBytes > expectedBytes || (endStream && stream.receivedBytes !== expectedBytes))
  ) {
    throw new StreamError(stream.id, errorCodes.protocolError, 'DATA of another length than content-length');
  }
  if (endStream) {
    stream.remoteEnded = true;
  }
  if (frameBytes > data.length) {
    session.consumed(stream, frameBytes - data.length);
  }
  if (data.length > 0) {
    stream.receive(data);
    if (stream.hasUnread && session.options.unread.bytes > maxUnreadInAllBytes) {
      throw new StreamError(stream.id, errorCodes.enhanceYourCalm, 'bodies that nobody has read yet');
    }
  }
  if (endStream) {
    endRemote(stream);
  }
}

function receiveWindowUpdate(
  session: SessionState,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  if (end - start !== 4) {
    throw frameSizeError('WINDOW_UPDATE of another length than 4');
  }
  session.limits.windowUpdates.count(session.nowMs);
  const increment = bytes.readUInt32BE(start) & maxWindowBytes;
  if (streamId === 0) {
    if (increment === 0) {
      throw protocolError('WINDOW_UPDATE by nothing');
    }
    session.sendWindow += increment;
    if (session.sendWindow > maxWindowBytes) {
      throw new ConnectionError(errorCodes.flowControlError, 'a window beyond 2^31-1');
    }
    pumpBlocked(session);
    return;
  }
  assertNotIdle(session, streamId);
  const stream = session.streams.get(streamId);
  if (increment === 0) {
    throw new StreamError(streamId, errorCodes.protocolError, 'WINDOW_UPDATE by nothing');
  }
  if (stream === undefined) {
    return;
  }
  stream.sendWindow += increment;
  if (stream.sendWindow > maxWindowBytes) {
    throw new StreamError(streamId, errorCodes.flowControlError, 'a window beyond 2^31-1');
  }
  if (stream.queue.length > 0) {
    pumpStream(session, stream);
  }
}

function receiveReset(
  session: SessionState,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  if (streamId === 0) {
    throw protocolError('RST_STREAM of no stream');
  }
  if (end - start !== 4) {
    throw frameSizeError('RST_STREAM of another length than 4');
  }
  assertNotIdle(session, streamId);
  session.limits.resets.count(session.nowMs);
  session.streams.get(streamId)?.closeWith(bytes.readUInt32BE(start));
}

function receivePing(
  session: SessionState,
  flag: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  session.limits.controlFrames.count(session.nowMs);
  if (streamId !== 0) {
    throw protocolError('PING of a stream');
  }
  if (end - start !== 8) {
    throw frameSizeError('PING of another length than 8');
  }
  if ((flag & flags.ack) === 0) {
    acknowledgePing(session, bytes, start, end);
  } else {
    session.pong();
  }
}

function receiveOther(
  session: SessionState,
  type: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  session.limits.controlFrames.count(session.nowMs);
  if (type === frameTypes.pushPromise) {
    throw protocolError('PUSH_PROMISE of a client');
  }
  if (type === frameTypes.goaway) {
    if (streamId !== 0) {
      throw protocolError('GOAWAY of a stream');
    }
    if (end - start < 8) {
      throw frameSizeError('GOAWAY that is too short');
    }
    // No more calls will come: the connection ends with those in flight.
    session.close();
  } else if (type === frameTypes.priority) {
    checkPriority(streamId, bytes, start, end);
  }
}

/** Priorities are checked and passed over (5.3.2). */
function checkPriority(streamId: number, bytes: Buffer, start: number, end: number): void {
  if (streamId === 0) {
    throw protocolError('PRIORITY of no stream');
  }
  if (end - start !== 5) {
    throw new StreamError(streamId, errorCodes.frameSizeError, 'PRIORITY of another length than 5');
  }
  if ((bytes.readUInt32BE(start) & maxWindowBytes) === streamId) {
    throw new StreamError(streamId, errorCodes.protocolError, 'a stream that depends on itself');
  }
}
