import type { MisspeltName } from '../base/env/misspelt-names.ts';
import type { Logger } from './logger.ts';

/** Tells at the start which variables are set that nobody reads, and were probably meant for others. */
export function logMisspelt(logger: Logger, variables: readonly MisspeltName[]): void {
  if (variables.length > 0) {
    logger.warn({ variables }, 'Variables are set that nobody reads, named nearly as ones that are');
  }
}
