import type { EnvironmentReader } from './config-reader.ts';

const environments = ['development', 'staging', 'production'] as const;

/** Where a process runs; the defaults of some variables depend on it. */
export type Environment = (typeof environments)[number];

/** Reads ENVIRONMENT; `development` when it is not set. A wrong value is a mistake in `read`. */
export function readEnvironment(read: EnvironmentReader): Environment {
  return read.oneOf('ENVIRONMENT', environments, 'development');
}
