import { EnvironmentReader } from './config-reader.ts';
import { ConfigError, loadConfig } from './config.ts';

/** Names of variables whose values are never shown. */
const secretName = /SECRET|PASSWORD|TOKEN|ACCESS_KEY/;

/** Reads the configuration as the service would, and returns what is wrong with it. */
function collectMistakes(read: EnvironmentReader): readonly string[] {
  try {
    loadConfig(process.env, read);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.mistakes;
    }
    throw error;
  }
}

function describe(name: string, effective: string | number | readonly string[] | undefined): string {
  const given = process.env[name]?.trim() ?? '';
  const origin = given === '' ? 'default' : 'set';
  const value = secretName.test(name)
    ? '(hidden)'
    : hideCredentials(given === '' ? String(effective ?? '(none)') : given);
  return `${name.padEnd(38)} ${origin.padEnd(8)} ${value}\n`;
}

/** An address may carry a password: redis://user:password@host. */
function hideCredentials(value: string): string {
  return value.replace(/\/\/[^/@]*@/, '//(hidden)@');
}

const read = new EnvironmentReader(process.env);
const mistakes = collectMistakes(read);
const lines = [...read.values].map(([name, effective]) => describe(name, effective));
process.stdout.write(`${lines.join('')}${mistakes.length === 0 ? '\nNo mistakes.\n' : ''}`);
if (mistakes.length > 0) {
  process.stderr.write(`\n${new ConfigError(mistakes).message}\n`);
  process.exitCode = 1;
}
