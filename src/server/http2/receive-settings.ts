import { errorCodes, flags, maxWindowBytes, minMaxFrameBytes, settings } from './constants.ts';
import { ConnectionError } from './errors.ts';
import { maxSettingsEntries } from './flood-limits.ts';
import { frameSizeError, protocolError } from './receive-checks.ts';
import { acknowledgeSettings, pumpBlocked } from './send.ts';
import type { SessionState } from './session-state.ts';

/** Works off a SETTINGS frame (RFC 9113, 6.5). @throws ConnectionError */
export function receiveSettings(
  session: SessionState,
  flag: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  session.limits.settings.count(session.nowMs);
  if (streamId !== 0) {
    throw protocolError('SETTINGS of a stream');
  }
  const length = end - start;
  if ((flag & flags.ack) !== 0) {
    if (length > 0) {
      throw frameSizeError('an acknowledgement of SETTINGS that holds any');
    }
    return;
  }
  if (length % 6 !== 0) {
    throw frameSizeError('SETTINGS of a length that is no multiple of 6');
  }
  if (length > 6 * maxSettingsEntries) {
    throw new ConnectionError(errorCodes.enhanceYourCalm, 'too many entries of SETTINGS');
  }
  session.hasSettings = true;
  let initialWindow = session.peerInitialWindow;
  for (let at = start; at < end; at += 6) {
    const id = bytes.readUInt16BE(at);
    const value = bytes.readUInt32BE(at + 2);
    if (id === settings.initialWindowSize) {
      initialWindow = checkWindow(value);
    } else {
      applySetting(session, id, value);
    }
  }
  // Once, however often the frame has it: that looks at all streams.
  changeWindows(session, initialWindow);
  acknowledgeSettings(session);
  pumpBlocked(session);
}

function applySetting(session: SessionState, id: number, value: number): void {
  switch (id) {
    case settings.headerTableSize:
      session.encoder.setMaxTableBytes(value);
      break;
    case settings.enablePush:
      if (value > 1) {
        throw protocolError('SETTINGS_ENABLE_PUSH that is neither 0 nor 1');
      }
      break;
    case settings.maxFrameSize:
      if (value < minMaxFrameBytes || value > 0xff_ffff) {
        throw protocolError('SETTINGS_MAX_FRAME_SIZE out of its range');
      }
      session.peerMaxFrameBytes = Math.min(value, minMaxFrameBytes);
      break;
    default:
  }
}

/** @throws ConnectionError for a window that there cannot be (6.5.2). */
function checkWindow(bytes: number): number {
  if (bytes > maxWindowBytes) {
    throw new ConnectionError(errorCodes.flowControlError, 'a window beyond 2^31-1');
  }
  return bytes;
}

function changeWindows(session: SessionState, initial: number): void {
  const change = initial - session.peerInitialWindow;
  if (change === 0) {
    return;
  }
  session.peerInitialWindow = initial;
  for (const stream of session.streams.values()) {
    stream.sendWindow = checkWindow(stream.sendWindow + change);
    if (stream.queue.length > 0 && stream.sendWindow > 0) {
      session.blocked.add(stream);
    }
  }
}
