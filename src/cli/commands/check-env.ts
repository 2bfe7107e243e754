import { Argument, type Command } from 'commander';
import { examineFileRules } from '../../app/file-rules.ts';
import { ConfigError } from '../../base/env/config-error.ts';
import { EnvironmentReader } from '../../base/env/config-reader.ts';
import { readEnvFile } from '../../base/env/env-file.ts';
import { misspeltNames } from '../../base/env/misspelt-names.ts';
import { tryLoad } from '../../base/env/try-load.ts';
import { nearestName } from '../../base/near-name.ts';
import { knownVariables, loaders } from '../common/known-variables.ts';
import { printError, printLines } from '../common/output.ts';
import { action, envFileOption } from '../common/run-program.ts';

/* `payment-sim check-env`: the configuration as a process would see it, and everything that is wrong with it. */

interface CheckOptions {
  readonly envFile?: readonly string[];
  readonly json?: true;
}

/** Adds `check-env`. */
export function addCheckEnv(program: Command): void {
  program
    .command('check-env')
    .helpGroup('Look after it:')
    .summary('the configuration in force, and every mistake in it')
    .description(
      'Prints the configuration as the service, or the worker, would see it, with secrets hidden, and every mistake. Ends with 1 when there is one.',
    )
    .addArgument(new Argument('[process]', 'whose').choices(['service', 'worker']).default('service'))
    .option('--json', 'prints one object')
    .addOption(envFileOption())
    .addHelpText(
      'after',
      '\nExamples:\n  payment-sim check-env\n  payment-sim check-env worker --env-file worker.env',
    )
    .action(action(checkEnvironment));
}

/** Names of variables whose values are never shown. */
const secretName = /SECRET|PASSWORD|TOKEN|ACCESS_KEY/;

/** Variables that others read: Node, the AWS SDK, OpenTelemetry, the tools of this project. */
const othersName = /^(NODE_|AWS_|OTEL_|DEV_|npm_)/;

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

/** What is shown of a variable: whether it is set, and the value that counts. */
function toVariable(name: string, effective: string | number | readonly string[] | undefined) {
  const given = process.env[name]?.trim() ?? '';
  const origin = given === '' ? 'default' : 'set';
  const value = secretName.test(name)
    ? '(hidden)'
    : hideCredentials(given === '' ? String(effective ?? '(none)') : given);
  return { name, origin, value };
}

/** Hides `user:password@` of a URL; in what is no URL, all in front of the last @. */
function hideCredentials(value: string): string {
  return value.replace(/^(\w+:\/\/)?.*@/, '$1(hidden)@');
}

async function checkEnvironment(
  role: keyof typeof loaders,
  { envFile: files = [], json }: CheckOptions,
): Promise<boolean> {
  const read = new EnvironmentReader(process.env);
  const loaded = tryLoad(() => loaders[role](process.env, read));
  const known = knownVariables();
  const unread = [...files.flatMap((file) => findUnread(file, known)), ...findMisspelt(known, files)];
  const mistakes = [...loaded.mistakes, ...(await findRuleMistakes(read)), ...unread];
  const variables = [...read.values].map(([name, effective]) => toVariable(name, effective));
  if (json === true) {
    printLines(JSON.stringify({ variables, mistakes }));
    return mistakes.length === 0;
  }
  const lines = variables.map(({ name, origin, value }) => `${name.padEnd(38)} ${origin.padEnd(8)} ${value}`);
  printLines(`${lines.join('\n')}${mistakes.length === 0 ? '\n\nNo mistakes.' : ''}`);
  if (mistakes.length > 0) {
    printError(`\n${new ConfigError(mistakes).message}`);
  }
  return mistakes.length === 0;
}
