import { type Command, type CommandLine, readCommandLine, UsageError } from '../base/command-line.ts';
import { ConfigError } from '../base/env/config-error.ts';
import { loadEnvFiles } from '../base/env/env-file.ts';
import { errorMessage } from '../base/error-text.ts';
import { escapeInvisible } from '../base/visible-text.ts';

/**
 * The life of a command: reads its command line, answers `--help` and `--version`, reads the files of
 * `--env-file`, and sets the exit code: 0 when `main` returns true, 1 when it returns false or throws, with
 * the reason on standard error.
 *
 * @param describe what to say of an error of `main`; its message unless given.
 */
export async function runCommand(
  command: Command,
  main: (line: CommandLine) => boolean | Promise<boolean>,
  describe: (error: unknown) => string = errorMessage,
): Promise<void> {
  process.stdout.on('error', endWithoutOutput);
  process.stderr.on('error', () => undefined);
  try {
    const line = readCommandLine(command, process.argv.slice(2));
    if (line.answer !== undefined) {
      printLines(line.answer);
      return;
    }
    loadEnvFiles(line.values('env-file'));
    process.exitCode = (await main(line)) ? 0 : 1;
  } catch (error) {
    const isUsers = error instanceof ConfigError || error instanceof UsageError;
    const text = isUsers ? error.message : describe(error);
    process.stderr.write(`${escapeLines(`${command.name} cannot run: ${text}`)}\n`);
    process.exitCode = 1;
  }
}

/** Prints lines, with escapes for control characters that others may have written. */
export function printLines(text: string): void {
  process.stdout.write(`${escapeLines(text)}\n`);
}

function escapeLines(text: string): string {
  return text.split('\n').map(escapeInvisible).join('\n');
}

/** Without a word when the reader has gone (`| head`): it has what it wanted. */
function endWithoutOutput(error: NodeJS.ErrnoException): never {
  if (error.code !== 'EPIPE') {
    process.stderr.write(`standard output cannot be written: ${error.message}\n`);
  }
  process.exit(1);
}
