import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigError } from '../base/env/config-error.ts';
import { EnvironmentReader } from '../base/env/config-reader.ts';
import { loadConfig } from '../app/config.ts';
import { loadEnvFiles } from '../base/env/env-file.ts';
import { loadWorkerConfig } from '../worker/config.ts';

/**
 * `npm run check-env [-- worker] [-- --env-file FILE]`: prints the configuration as the service, or
 * the worker, would see it, with secrets hidden, and everything that is wrong with it.
 */
type Loader = (env: NodeJS.ProcessEnv, read: EnvironmentReader) => unknown;
const loaders: Readonly<Record<string, Loader>> = { service: loadConfig, worker: loadWorkerConfig };

/** Names of variables whose values are never shown. */
const secretName = /SECRET|PASSWORD|TOKEN|ACCESS_KEY/;

/** Variables that others read: Node, the AWS SDK, the tools of this project. */
const othersName = /^(NODE_|AWS_|DEV_|npm_)/;

/** Reads the configuration as the process would, and returns what is wrong with it. */
function collectMistakes(load: Loader, env: NodeJS.ProcessEnv, read: EnvironmentReader): readonly string[] {
  try {
    load(env, read);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.mistakes;
    }
    throw error;
  }
}

/** Variables of a file that nothing reads: misspelt, or of another version. */
function findUnread(file: string): readonly string[] {
  const known = new Set<string>();
  for (const load of Object.values(loaders)) {
    const read = new EnvironmentReader({});
    collectMistakes(load, {}, read);
    read.values.forEach((_value, name) => known.add(name));
  }
  return Object.keys(parseEnv(readFileSync(file, 'utf8')))
    .filter((name) => !known.has(name) && !othersName.test(name))
    .map((name) => `${name} in ${file} is not the name of a variable`);
}

function describe(name: string, effective: string | number | readonly string[] | undefined): string {
  const given = process.env[name]?.trim() ?? '';
  const origin = given === '' ? 'default' : 'set';
  const value = secretName.test(name)
    ? '(hidden)'
    : hideCredentials(given === '' ? String(effective ?? '(none)') : given);
  return `${name.padEnd(38)} ${origin.padEnd(8)} ${value}\n`;
}

/** An address may carry a password: redis://user:password@host, or anything in front of an @ if it is wrong. */
function hideCredentials(value: string): string {
  return value.replace(/^(\w+:\/\/)?.*@/, '$1(hidden)@');
}

function main(): void {
  const { files, words } = loadEnvFiles(process.argv.slice(2));
  const [role = 'service', ...others] = words;
  const load = loaders[role];
  if (load === undefined || others.length > 0) {
    throw new ConfigError([`"${words.join(' ')}" must be service or worker`]);
  }
  const read = new EnvironmentReader(process.env);
  const mistakes = [...collectMistakes(load, process.env, read), ...files.flatMap(findUnread)];
  const lines = [...read.values].map(([name, effective]) => describe(name, effective));
  process.stdout.write(`${lines.join('')}${mistakes.length === 0 ? '\nNo mistakes.\n' : ''}`);
  if (mistakes.length > 0) {
    throw new ConfigError(mistakes);
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof ConfigError)) {
    throw error;
  }
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
