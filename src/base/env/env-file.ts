import { loadEnvFile } from 'node:process';
import { parseArgs } from 'node:util';
import { errorMessage } from '../error-text.ts';
import { ConfigError } from './config-error.ts';

/**
 * Puts the variables of the files named by `--env-file` into the environment. What is set there already
 * stays as it is, and among files the first to set a variable wins.
 *
 * @param args the command line without Node and script.
 * @returns the files, and the words of the command line that are no option.
 * @throws ConfigError when a file cannot be read, or for an option that does not exist.
 */
export function loadEnvFiles(args: readonly string[]): {
  readonly files: readonly string[];
  readonly words: readonly string[];
} {
  const { files, words } = readArguments(args);
  for (const file of files) {
    try {
      loadEnvFile(file);
    } catch (error) {
      throw new ConfigError([`--env-file ${file} cannot be read: ${errorMessage(error)}`]);
    }
  }
  return { files, words };
}

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { 'env-file': { type: 'string', multiple: true, default: [] } },
      allowPositionals: true,
    });
    return { files: values['env-file'], words: positionals };
  } catch (error) {
    throw new ConfigError([errorMessage(error)]);
  }
}
