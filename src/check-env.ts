import { ConfigError, loadConfig } from './config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Names of variables whose values are never shown. */
const secretName = /SECRET|PASSWORD|TOKEN/;

/** Reads the configuration twice when it has mistakes, so that what is right can be shown as well. */
function inspectEnvironment(env: Environment): {
  readonly names: readonly string[];
  readonly mistakes: readonly string[];
  /** By the names that `Config` has; empty when it cannot be told. */
  readonly effective: ReadonlyMap<string, unknown>;
} {
  const names = new Set<string>();
  const watched = new Proxy(env, {
    get(target, name) {
      names.add(String(name));
      return target[String(name)];
    },
  });
  try {
    return { effective: new Map(Object.entries(loadConfig(watched))), names: [...names], mistakes: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      throw error;
    }
    const wrong = error.mistakes.map((mistake) => mistake.split(' ', 1)[0] ?? '');
    // A secret has no default in production, so leaving it out would not put it right.
    const right = wrong.map((name) => [name, secretName.test(name) ? 'placeholder' : undefined]);
    const rest = { ...env, ...Object.fromEntries(right) };
    return { effective: loadOrNothing(rest), names: [...names], mistakes: error.mistakes };
  }
}

function loadOrNothing(env: Environment): ReadonlyMap<string, unknown> {
  try {
    return new Map(Object.entries(loadConfig(env)));
  } catch {
    return new Map();
  }
}

function describe(name: string, env: Environment, effective: ReadonlyMap<string, unknown>): string {
  const given = env[name]?.trim() ?? '';
  const origin = given === '' ? 'default' : 'set';
  return `${name.padEnd(24)} ${origin.padEnd(8)} ${describeValue(name, given, effective)}`;
}

function describeValue(name: string, given: string, effective: ReadonlyMap<string, unknown>): string {
  if (secretName.test(name)) {
    return '(hidden)';
  }
  if (given !== '') {
    return hideCredentials(given);
  }
  const value = effective.get(toCamelCase(name));
  return value === undefined ? '(none)' : JSON.stringify(value).replaceAll('"', '');
}

function toCamelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

/** An address may carry a password: redis://user:password@host. */
function hideCredentials(value: string): string {
  return value.replace(/\/\/[^/@]*@/, '//(hidden)@');
}

const { names, mistakes, effective } = inspectEnvironment(process.env);
const lines = names.map((name) => `${describe(name, process.env, effective)}\n`);
process.stdout.write(`${lines.join('')}${mistakes.length === 0 ? '\nNo mistakes.\n' : ''}`);
if (mistakes.length > 0) {
  process.stderr.write(`\n${new ConfigError(mistakes).message}\n`);
  process.exitCode = 1;
}
