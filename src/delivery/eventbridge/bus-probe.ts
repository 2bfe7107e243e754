import { describeAwsError, statusCodeOf } from '../../aws/failures.ts';
import type { EventBridgeApi } from './client.ts';

/** Answers that say that the caller's credentials are not accepted. */
const badCredentialNames = new Set([
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'ExpiredToken',
  'ExpiredTokenException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
]);

/**
 * Asks for the bus, and resolves with why PutEvents cannot bring events to it, undefined when it can. An
 * answer that forbids the question is an answer: the service may send events without the right to describe
 * buses.
 */
export async function probeBus(api: EventBridgeApi, busName: string): Promise<string | undefined> {
  try {
    await api.describeBus(busName);
    return undefined;
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    const status = statusCodeOf(error);
    if (name === 'ResourceNotFoundException') {
      return `the event bus ${busName} does not exist: AWS takes events for it and drops them`;
    }
    if (status === undefined || status >= 500 || badCredentialNames.has(name)) {
      return `EventBridge cannot be reached: ${describeAwsError(error)}`;
    }
    return undefined;
  }
}
