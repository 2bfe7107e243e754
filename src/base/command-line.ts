import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nearestName } from './near-name.ts';

/** What a command understands besides `--help` and `--version`. */
export interface Command {
  /** How it is called, such as `npm run status`. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Its options by name, without the dashes. */
  readonly options: Readonly<Record<string, Option>>;
  /** What words may stand beside the options, as usage shows it; none unless given. */
  readonly words?: string;
}

interface Option {
  /** What stands for its value, such as `FILE`; an option without one is on or off. */
  readonly value?: string;
  readonly text: string;
}

/** A command line that was understood. */
export interface CommandLine {
  /** What `--help` or `--version` asks for, to be printed instead of running. */
  readonly answer: string | undefined;
  /** The values of an option in their order; empty when it is not given, and `['']` for one that is on. */
  readonly values: (option: string) => readonly string[];
  readonly words: readonly string[];
}

/** A command line that is not understood; the message says what there is. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** The option that service, worker and commands have in common. */
export const envFileOption = {
  'env-file': {
    value: 'FILE',
    text: 'reads variables from FILE; what is set already stays; may be repeated',
  },
} as const;

const commonOptions = {
  help: { text: 'shows this' },
  version: { text: 'shows the version' },
} as const;

/**
 * Reads a command line.
 *
 * @param args without Node and script.
 * @throws UsageError for what is not understood.
 */
export function readCommandLine(command: Command, args: readonly string[]): CommandLine {
  const options: Readonly<Record<string, Option>> = { ...command.options, ...commonOptions };
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { value }]) => [
        name,
        { type: value === undefined ? ('boolean' as const) : ('string' as const) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') {
      words.push(token.value);
    } else if (token.kind === 'option') {
      checkOption(token, options);
      values.set(token.name, [...(values.get(token.name) ?? []), token.value ?? '']);
    }
  }
  const isAsked = (name: string): boolean => values.has(name);
  const answer = isAsked('help')
    ? describeUsage(command, options)
    : isAsked('version')
      ? readVersion()
      : undefined;
  if (answer === undefined && words.length > 0 && command.words === undefined) {
    throw new UsageError(`"${words.join(' ')}" is not understood; there is ${listOptions(options)}`);
  }
  return { answer, values: (name) => values.get(name) ?? [], words };
}

/** @throws UsageError for an option that does not exist, lacks its value or has one too many. */
function checkOption(
  token: {
    readonly name: string;
    readonly rawName: string;
    readonly value?: string | undefined;
    readonly inlineValue?: boolean | undefined;
  },
  options: Readonly<Record<string, Option>>,
): void {
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
  if (option === undefined) {
    const near = nearestName(token.name, Object.keys(options));
    const hint = near === undefined ? '' : `, did you mean --${near}?`;
    throw new UsageError(`${token.rawName} is not understood${hint}; there is ${listOptions(options)}`);
  }
  const isMissing = token.value === undefined || (token.inlineValue !== true && token.value.startsWith('-'));
  if (option.value !== undefined && isMissing) {
    throw new UsageError(`--${token.name} needs ${option.value}`);
  }
  if (option.value === undefined && token.value !== undefined) {
    throw new UsageError(`--${token.name} takes no value`);
  }
}

function listOptions(options: Readonly<Record<string, Option>>): string {
  return Object.entries(options).map(showOption).join(', ');
}

function showOption([name, { value }]: readonly [string, Option]): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

function describeUsage({ name, summary, words }: Command, options: Readonly<Record<string, Option>>): string {
  const shown = Object.entries(options).map((entry) => [showOption(entry), entry[1].text] as const);
  const width = Math.max(...shown.map(([option]) => option.length));
  // npm hands on only what stands behind two dashes.
  const call = [name.startsWith('npm ') ? `${name} --` : name, words, '[options]'].filter(Boolean).join(' ');
  const lines = shown.map(([option, text]) => `  ${option.padEnd(width)}  ${text}`);
  return [`Usage: ${call}`, '', summary, '', ...lines].join('\n');
}

/** Of the package, which lies two folders above this file in `src` and in `dist`. */
function readVersion(): string {
  const manifest: { readonly version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version;
}
