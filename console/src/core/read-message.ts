import type { JsonValue } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';

/**
 * Makes a message of JSON that somebody wrote.
 *
 * @param written JSON, or its text.
 * @throws ConnectError INVALID_ARGUMENT, as the service would.
 */
export function readMessage<T>(written: JsonValue, read: (json: JsonValue) => T): T {
  try {
    const json: JsonValue = typeof written === 'string' ? JSON.parse(written) : written;
    return read(json);
  } catch (error) {
    throw new ConnectError(error instanceof Error ? error.message : String(error), Code.InvalidArgument);
  }
}
