import { expect } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { ConfigError } from '../../src/base/env/config-error.ts';

type Environment = Readonly<Record<string, string>>;

/** What loadConfig, or `load`, says is wrong, all of it in the message as well; empty when it is content. */
export function mistakesOf(
  env: Environment,
  load: (env: Environment) => unknown = loadConfig,
): readonly string[] {
  try {
    load(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      throw error;
    }
    for (const mistake of error.mistakes) {
      expect(error.message).toContain(mistake);
    }
    return error.mistakes;
  }
}
