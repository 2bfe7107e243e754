import { Code, ConnectError } from '@connectrpc/connect';
import { errorCodes } from '../http2/constants.ts';

/** Codes of RST_STREAM that mean more than a cancelled call, mapped as Connect maps them. */
const codes: ReadonlyMap<number | undefined, Code> = new Map([
  [errorCodes.protocolError, Code.Internal],
  [errorCodes.internalError, Code.Internal],
  [errorCodes.flowControlError, Code.Internal],
  [errorCodes.settingsTimeout, Code.Internal],
  [errorCodes.frameSizeError, Code.Internal],
  [errorCodes.compressionError, Code.Internal],
  [errorCodes.connectError, Code.Internal],
  [errorCodes.refusedStream, Code.Unavailable],
  [errorCodes.enhanceYourCalm, Code.ResourceExhausted],
  [errorCodes.inadequateSecurity, Code.PermissionDenied],
  [errorCodes.http11Required, Code.PermissionDenied],
]);

/** The reason of a call's abort when its caller reset the stream with this code. */
export function resetReason(rstCode: number | undefined): ConnectError {
  const code = codes.get(rstCode);
  return code === undefined
    ? new ConnectError('the call was cancelled', Code.Canceled)
    : new ConnectError(`the stream was reset with error code ${rstCode}`, code);
}
