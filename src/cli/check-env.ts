import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { loadConfig } from '../app/config.ts';
import { ConfigError } from '../base/env/config-error.ts';
import { EnvironmentReader } from '../base/env/config-reader.ts';
import { loadEnvFiles } from '../base/env/env-file.ts';
import { tryLoad } from '../base/env/try-load.ts';
import { loadWorkerConfig } from '../worker/config.ts';

/*
 * `npm run check-env [-- worker] [-- --env-file FILE]`: prints the configuration as the service, or
 * the worker, would see it, with secrets hidden, and everything that is wrong with it. Exit code 1 when
 * something is.
 */

type Loader = (env: NodeJS.ProcessEnv, read: EnvironmentReader) => unknown;
const loaders: Readonly<Record<string, Loader>> = { service: loadConfig, worker: loadWorkerConfig };

/** Names of variables whose values are never shown. */
const secretName = /SECRET|PASSWORD|TOKEN|ACCESS_KEY/;

/** Variables that others read: Node, the AWS SDK, the tools of this project. */
const othersName = /^(NODE_|AWS_|DEV_|npm_)/;

/** A mistake for each variable of a file that neither process reads: misspelt, or of another version. */
function findUnread(file: string): readonly string[] {
  const known = new Set<string>();
  for (const load of Object.values(loaders)) {
    const read = new EnvironmentReader({});
    tryLoad(() => load({}, read));
    read.values.forEach((_value, name) => known.add(name));
  }
  return Object.keys(parseEnv(readFileSync(file, 'utf8')))
    .filter((name) => !known.has(name) && !othersName.test(name))
    .map((name) => `${name} in ${file} is not the name of a variable`);
}

/** One line of the output: name, whether it is set, and the value that counts. */
function formatVariable(name: string, effective: string | number | readonly string[] | undefined): string {
  const given = process.env[name]?.trim() ?? '';
  const origin = given === '' ? 'default' : 'set';
  const value = secretName.test(name)
    ? '(hidden)'
    : hideCredentials(given === '' ? String(effective ?? '(none)') : given);
  return `${name.padEnd(38)} ${origin.padEnd(8)} ${value}\n`;
}

/** Hides `user:password@` of a URL; in what is no URL, all in front of the last @. */
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
  const loaded = tryLoad(() => load(process.env, read));
  const mistakes = [...loaded.mistakes, ...files.flatMap(findUnread)];
  const lines = [...read.values].map(([name, effective]) => formatVariable(name, effective));
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
