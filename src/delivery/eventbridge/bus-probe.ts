import { describeAwsError, statusCodeOf } from '../../aws/failures.ts';

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

/** Whether PutEvents can bring events to their bus. */
export type BusState =
  | { readonly state: 'reached' }
  /** PutEvents takes events for such a bus, and drops them. */
  | { readonly state: 'no-such-bus' }
  | { readonly state: 'unreachable'; readonly detail: string };

/**
 * Asks for the bus. An answer that forbids the question is an answer: the service may send events
 * without the right to describe buses.
 */
export async function probeBus(describeBus: () => Promise<void>): Promise<BusState> {
  try {
    await describeBus();
    return { state: 'reached' };
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    const status = statusCodeOf(error);
    if (name === 'ResourceNotFoundException') {
      return { state: 'no-such-bus' };
    }
    if (status === undefined || status >= 500 || badCredentialNames.has(name)) {
      return { state: 'unreachable', detail: describeAwsError(error) };
    }
    return { state: 'reached' };
  }
}
