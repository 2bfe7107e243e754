/** Why AWS did not do what was asked. */
interface AwsFailure {
  /** Short and bounded in variety, fit for a metric label. */
  readonly reason: string;
  /** Whether another attempt may succeed. */
  readonly retryable: boolean;
}

/** Entry errors that AWS documents as retryable, and the names that older answers used for the same. */
const retryableEntryCodes = new Set([
  'InternalFailure',
  'InternalException',
  'ThrottlingException',
  'ServiceUnavailable',
]);
const permanentEntryCodes = new Set([
  'AccessDeniedException',
  'InvalidAccountIdException',
  'InvalidArgument',
  'MalformedDetail',
  'RedactionFailure',
  'NotAuthorizedForSourceException',
  'NotAuthorizedForDetailTypeException',
]);

/**
 * How one entry of an answered call failed.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
 */
export function classifyEntryError(code: string): AwsFailure {
  const retryable = retryableEntryCodes.has(code);
  return { retryable, reason: retryable || permanentEntryCodes.has(code) ? code : 'other' };
}

/** How a whole call failed. */
interface CallFailure extends AwsFailure {
  /** Whether one entry may be the reason why the whole call was refused. */
  readonly blamesEntries: boolean;
  /** For the log. */
  readonly detail: string;
}

const throttlingNames = new Set([
  'ThrottlingException',
  'ThrottledException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
]);
/**
 * Refused signatures that another attempt may not meet: the SDK refreshes credentials that expire, and
 * corrects its clock by the `Date` of an answer.
 */
const staleCredentialNames = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
]);
const entryErrorNames = new Set(['ValidationException', 'SerializationException']);

/** Classifies what an AWS call threw: an answer with an error, or no answer at all. */
export function classifyCallError(error: unknown): CallFailure {
  const name = error instanceof Error ? error.name : '';
  const detail = error instanceof Error ? `${name}: ${error.message || errorCode(error)}` : String(error);
  const status = statusCodeOf(error);
  const blamesEntries = entryErrorNames.has(name) || status === 413;
  const failure = (reason: string, retryable: boolean): CallFailure => ({
    reason,
    retryable,
    blamesEntries,
    detail,
  });
  if (status === undefined || status < 400) {
    return failure(reasonWithoutAnswer(error, name), true);
  }
  if (throttlingNames.has(name) || status === 429) {
    return failure('throttled', true);
  }
  if (staleCredentialNames.has(name)) {
    return failure('credentials', true);
  }
  // A call that is refused as a whole, and not for an entry, is refused for who we are or for what is not there yet: a
  // right that has still to spread, a bus that is made a moment later. That passes, as an outage does.
  return status >= 500 ? failure('internal', true) : failure('refused', !blamesEntries);
}

/** The HTTP status of an AWS answer that was an error, or undefined when there was no answer. */
export function statusCodeOf(error: unknown): number | undefined {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  return typeof status === 'number' ? status : undefined;
}

function reasonWithoutAnswer(error: unknown, name: string): string {
  // The SDK renames some connection errors to TimeoutError; their `code` is still that of the system.
  if ((name === 'TimeoutError' || name === 'AbortError') && !brokenConnectionCodes.has(errorCode(error))) {
    return 'timeout';
  }
  return /Credentials|TokenProvider/.test(name) ? 'credentials' : 'connection';
}

const brokenConnectionCodes = new Set(['ECONNRESET', 'EPIPE', 'ECONNREFUSED']);

function errorCode(error: unknown): string {
  return codeOf(error) ?? 'no message';
}

/** What went wrong, in one line: AWS says more in an error's name than in its message. */
export function describeAwsError(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const code = codeOf(error);
  return `${error.name}: ${error.message}${code === undefined ? '' : ` (${code})`}`;
}

/** What an answer tells of one entry or message that failed, in one line. */
export function codeAndMessage(code: string | undefined, message: string | undefined): string {
  return [code ?? 'without a code', message].filter((part) => part !== undefined && part !== '').join(': ');
}

/** Of an error of the system. Some have one that is undefined, which says nothing. */
function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined;
}
