import type { EnvironmentReader } from './config-reader.ts';

const environments = ['development', 'staging', 'production'] as const;

/**
 * Reads ENVIRONMENT, where a process runs; the defaults of some variables depend on it. `development` when it
 * is not set. A wrong value is a mistake in `read`.
 */
export function readEnvironment(read: EnvironmentReader) {
  return read.oneOf('ENVIRONMENT', environments, 'development');
}
