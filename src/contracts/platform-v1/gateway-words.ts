import { Code, ConnectError } from '@connectrpc/connect';
import { toConnectError } from '../error-mapping.ts';

/**
 * The platform's gateway tells errors apart by words in their texts, not by their codes: "not found" is its 404,
 * which our text has, and "conflict" its 409.
 */
const conflictCodes: ReadonlySet<Code> = new Set([Code.AlreadyExists, Code.FailedPrecondition]);
const conflictWord = 'conflict';

/** The error of a call, with the word that the gateway looks for. */
export function withGatewayWords(error: unknown): ConnectError {
  const failure = toConnectError(error);
  const { code, rawMessage, metadata } = failure;
  return conflictCodes.has(code) && !rawMessage.includes(conflictWord)
    ? new ConnectError(`${conflictWord}: ${rawMessage}`, code, metadata)
    : failure;
}
