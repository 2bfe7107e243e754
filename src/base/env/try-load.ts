import { ConfigError } from './config-error.ts';

/**
 * Calls `load` and returns the mistakes of a ConfigError instead of throwing it, for callers that have
 * mistakes of their own to add.
 *
 * @throws whatever else `load` throws.
 */
export function tryLoad<Config>(load: () => Config) {
  try {
    return { config: load(), mistakes: [] };
  } catch (error) {
    if (error instanceof ConfigError) {
      return { config: undefined, mistakes: error.mistakes };
    }
    throw error;
  }
}
