/**
 * An error in one line, for logs: `CODE: message`, without the code when the error has none. The name
 * stands in for an empty message, which is what the AggregateError of a failed `connect` has.
 *
 * @param error whatever was thrown; what is no Error is given as text.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const code = 'code' in error ? error.code : undefined;
  const prefix = typeof code === 'string' || typeof code === 'number' ? `${code}: ` : '';
  return `${prefix}${error.message || error.name}`;
}

/** The message alone, for errors whose message names the problem in full, as those of Node's parsers do. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
