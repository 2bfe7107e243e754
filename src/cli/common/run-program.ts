import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { loadEnvFiles } from '../../base/env/env-file.ts';
import { errorMessage } from '../../base/error-text.ts';
import { readWholeNumber } from '../../base/whole-number.ts';
import { NoAnswerError, unwrapError, UsageError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';
import { escapeLines, printError } from './output.ts';
import { readVersion } from './version.ts';

/* What all commands have in common. */

/** A program with the manners of this house: its errors say what there is, and nothing in them reaches a terminal raw. */
export function createProgramNamed(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .version(readVersion(), '--version', 'shows the version')
    .helpOption('--help', 'shows this')
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureOutput({
      outputError: (text, write) => write(escapeLines(text.replace(/^error: /, `${name}: `))),
    })
    .showHelpAfterError('--help says what there is.')
    .exitOverride();
}

/** The option of all that read the configuration. */
export function envFileOption(): Option {
  return new Option(
    '--env-file <file>',
    'reads variables from a file; what is set already stays; may be repeated',
  ).argParser(collect);
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Reads the value of an option that is a whole number. */
export function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const number = readWholeNumber(text);
    if (number === undefined || number < min || number > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}

/** The action of a command: `run` says whether what was asked for was done. */
export function action<Args extends readonly unknown[]>(run: (...args: Args) => boolean | Promise<boolean>) {
  return async (...args: Args): Promise<void> => {
    if (!(await run(...args))) {
      process.exitCode = exitCodes.notDone;
    }
  };
}

/**
 * Runs a command line: reads the files of `--env-file`, carries the command out, and sets the exit code, with the
 * reason on standard error.
 *
 * @param args without Node and script.
 */
export async function runProgram(program: Command, args: readonly string[]): Promise<void> {
  process.stdout.on('error', endWithoutOutput);
  process.stderr.on('error', () => undefined);
  let name = program.name();
  program.hook('preAction', (_program, command) => {
    name = pathOf(command);
    loadEnvFiles(command.opts<{ envFile?: readonly string[] }>().envFile ?? []);
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = tell(name, unwrapError(error));
  }
}

function tell(name: string, error: unknown): number {
  if (error instanceof CommanderError) {
    // It has said so itself.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.misused;
  }
  printError(`${name}: ${errorMessage(error)}`);
  return error instanceof UsageError
    ? exitCodes.misused
    : error instanceof NoAnswerError
      ? exitCodes.noAnswer
      : exitCodes.notDone;
}

/** `payment-sim payments list`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Without a word when the reader has gone (`| head`): it has what it wanted. */
function endWithoutOutput(error: NodeJS.ErrnoException): never {
  if (error.code !== 'EPIPE') {
    printError(`standard output cannot be written: ${error.message}`);
  }
  process.exit(exitCodes.notDone);
}
