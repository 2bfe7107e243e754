import { Code, ConnectError } from '@connectrpc/connect';
import { constants } from 'node:http2';

/** Codes of RST_STREAM that mean more than a cancelled call, mapped as Connect maps them. */
const codes: ReadonlyMap<number | undefined, Code> = new Map([
  [constants.NGHTTP2_PROTOCOL_ERROR, Code.Internal],
  [constants.NGHTTP2_INTERNAL_ERROR, Code.Internal],
  [constants.NGHTTP2_FLOW_CONTROL_ERROR, Code.Internal],
  [constants.NGHTTP2_SETTINGS_TIMEOUT, Code.Internal],
  [constants.NGHTTP2_FRAME_SIZE_ERROR, Code.Internal],
  [constants.NGHTTP2_COMPRESSION_ERROR, Code.Internal],
  [constants.NGHTTP2_CONNECT_ERROR, Code.Internal],
  [constants.NGHTTP2_REFUSED_STREAM, Code.Unavailable],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, Code.ResourceExhausted],
  [constants.NGHTTP2_INADEQUATE_SECURITY, Code.PermissionDenied],
  [constants.NGHTTP2_HTTP_1_1_REQUIRED, Code.PermissionDenied],
]);

/** The reason of a call's abort when its caller reset the stream with this code. */
export function resetReason(rstCode: number | undefined): ConnectError {
  const code = codes.get(rstCode);
  return code === undefined
    ? new ConnectError('the call was cancelled', Code.Canceled)
    : new ConnectError(`the stream was reset with error code ${rstCode}`, code);
}
