/** Something that a command could not do; the message is for whoever called it. */
export class CliError extends Error {}

/** A command line that asks for what cannot be; the message says what is right. */
export class UsageError extends CliError {}

/** The service was not there to answer. */
export class NoAnswerError extends CliError {}

/** What a command says of an error: its own ones come wrapped in those of Connect. */
export function unwrapError(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof CliError ? error.cause : error;
}
