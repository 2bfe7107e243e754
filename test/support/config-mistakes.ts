import { expect } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { ConfigError } from '../../src/base/env/config-error.ts';

/** What loadConfig says is wrong, all of it in the message as well; empty when it is content. */
export function mistakesOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    loadConfig(env);
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
