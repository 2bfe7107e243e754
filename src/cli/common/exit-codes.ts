/** What a command ends with. A second Ctrl-C ends service, worker and dev with 130. */
export const exitCodes = {
  /** What was asked for was done. */
  done: 0,
  /** It was not, and standard error says why: refused, not found, mistakes in the configuration, a check that failed. */
  notDone: 1,
  /** The command line is not understood. */
  misused: 2,
  /** The service does not answer. */
  noAnswer: 3,
} as const;
