import { parseEnv } from 'node:util';
import { ConfigError } from './config-error.ts';
import { readTextFile } from './text-file.ts';

/** Variables by name. */
type Variables = Readonly<Record<string, string>>;

/**
 * Puts the variables of files into the environment. What is set there already stays as it is, and among files
 * the first to set a variable wins.
 *
 * @throws ConfigError when a file cannot be read.
 */
export function loadEnvFiles(files: readonly string[]): void {
  for (const file of files) {
    for (const [name, value] of Object.entries(readEnvFile(file))) {
      process.env[name] ??= value;
    }
  }
}

/**
 * The variables of a file, as `node --env-file` reads it, but for two things: a byte order mark is no part of
 * the first name, and a `#` without a blank in front of it belongs to the value, as in `SECRET=abc#def`.
 *
 * @throws ConfigError when it cannot be read or is not UTF-8.
 */
export function readEnvFile(file: string): Variables {
  const reading = readTextFile(file);
  if ('problem' in reading) {
    throw new ConfigError([`--env-file ${file} cannot be read: ${reading.problem}`]);
  }
  return parseEnvText(reading.text);
}

/** A line that sets a variable: its name, and all behind the equals sign. */
const assignment = /^\s*(?:export\s+)?([\w.-]+)[^\S\n]*=([^\n]*)$/;
/** A value in quotation marks, with its variable, over several lines where it has them; then its comment. */
const quoted = /^\s*(?:export\s+)?[\w.-]+[^\S\n]*=[^\S\n]*(["'`])[^]*?\1[^\n]*$/m;

function parseEnvText(text: string): Variables {
  const variables: Record<string, string> = {};
  let rest = text.replaceAll(/\r\n?/g, '\n');
  while (rest !== '') {
    const [line = ''] = rest.split('\n', 1);
    const [, name, value = ''] = assignment.exec(line) ?? [];
    const isQuoted = /^\s*["'`]/.test(value);
    const entry = (isQuoted ? quoted.exec(rest)?.[0] : undefined) ?? line;
    if (name === undefined || isQuoted) {
      Object.assign(variables, parseEnv(entry));
    } else {
      variables[name] = value.replace(/\s#.*$/, '').trim();
    }
    rest = rest.slice(entry.length + 1);
  }
  return variables;
}
