import '../base/end-on-old-node.ts';
import { loadConfig } from '../app/config.ts';
import { examineFileRules } from '../app/file-rules.ts';
import { envFileOption, type CommandLine, UsageError } from '../base/command-line.ts';
import { ConfigError } from '../base/env/config-error.ts';
import { EnvironmentReader } from '../base/env/config-reader.ts';
import { readEnvFile } from '../base/env/env-file.ts';
import { misspeltNames } from '../base/env/misspelt-names.ts';
import { tryLoad } from '../base/env/try-load.ts';
import { nearestName } from '../base/near-name.ts';
import { loadWorkerConfig } from '../worker/config.ts';
import { printLines, runCommand } from './run-command.ts';

/*
 * `npm run check-env [-- worker] [-- --env-file FILE]`: prints the configuration as the service, or
 * the worker, would see it, with secrets hidden, and everything that is wrong with it. Exit code 1 when
 * something is.
 */

type Loader = (env: NodeJS.ProcessEnv, read: EnvironmentReader) => unknown;
const loaders: Readonly<Record<string, Loader>> = { service: loadConfig, worker: loadWorkerConfig };

/** Names of variables whose values are never shown. */
const secretName = /SECRET|PASSWORD|TOKEN|ACCESS_KEY/;

/** Variables that others read: Node, the AWS SDK, OpenTelemetry, the tools of this project. */
const othersName = /^(NODE_|AWS_|OTEL_|DEV_|npm_)/;

/** The names that one of the processes reads. */
function readNames(): ReadonlySet<string> {
  const known = new Set<string>();
  for (const load of Object.values(loaders)) {
    const read = new EnvironmentReader({});
    tryLoad(() => load({}, read));
    read.values.forEach((_value, name) => known.add(name));
  }
  return known;
}

/** A mistake for each variable of a file that neither process reads: misspelt, or of another version. */
function findUnread(file: string, known: ReadonlySet<string>): readonly string[] {
  return Object.keys(readEnvFile(file))
    .filter((name) => !known.has(name) && !othersName.test(name))
    .map((name) => {
      const near = nearestName(name, known);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      return `${name} in ${file} is not the name of a variable${hint}`;
    });
}

/** The same for each variable of the environment whose name is near one that is read; files have their own. */
function findMisspelt(known: ReadonlySet<string>, files: readonly string[]): readonly string[] {
  const ofFiles = new Set(files.flatMap((file) => Object.keys(readEnvFile(file))));
  return misspeltNames(process.env, known)
    .filter(({ name }) => !ofFiles.has(name))
    .map(({ name, near }) => `${name} is not the name of a variable; did you mean ${near}?`);
}

/** The mistakes in files of rules, also where other variables have some. */
async function findRuleMistakes({ values }: EnvironmentReader): Promise<readonly string[]> {
  const rulesFile = values.get('RULES_FILE');
  if (typeof rulesFile !== 'string') {
    return [];
  }
  const magicUsers = values.get('MAGIC_USERS') === 'on';
  const { mistakes } = await examineFileRules({ simulatorApi: true, magicUsers, rulesFile });
  return mistakes;
}

/** One line of the output: name, whether it is set, and the value that counts. */
function formatVariable(name: string, effective: string | number | readonly string[] | undefined): string {
  const given = process.env[name]?.trim() ?? '';
  const origin = given === '' ? 'default' : 'set';
  const value = secretName.test(name)
    ? '(hidden)'
    : hideCredentials(given === '' ? String(effective ?? '(none)') : given);
  return `${name.padEnd(38)} ${origin.padEnd(8)} ${value}`;
}

/** Hides `user:password@` of a URL; in what is no URL, all in front of the last @. */
function hideCredentials(value: string): string {
  return value.replace(/^(\w+:\/\/)?.*@/, '$1(hidden)@');
}

async function main({ words, values }: CommandLine): Promise<boolean> {
  const [role = 'service', ...others] = words;
  const load = loaders[role];
  if (load === undefined || others.length > 0) {
    throw new UsageError(`"${words.join(' ')}" must be service or worker`);
  }
  const read = new EnvironmentReader(process.env);
  const loaded = tryLoad(() => load(process.env, read));
  const [known, files] = [readNames(), values('env-file')];
  const unread = [...files.flatMap((file) => findUnread(file, known)), ...findMisspelt(known, files)];
  const mistakes = [...loaded.mistakes, ...(await findRuleMistakes(read)), ...unread];
  const lines = [...read.values].map(([name, effective]) => formatVariable(name, effective));
  printLines(`${lines.join('\n')}${mistakes.length === 0 ? '\n\nNo mistakes.' : ''}`);
  if (mistakes.length > 0) {
    process.stderr.write(`\n${new ConfigError(mistakes).message}\n`);
  }
  return mistakes.length === 0;
}

await runCommand(
  {
    name: 'npm run check-env',
    summary: 'Prints the configuration as the service, or the worker, would see it, and every mistake.',
    words: '[service | worker]',
    options: envFileOption,
  },
  main,
);
